// Which release this is: in --version, in the metrics, in the first line of the log.

enum Version {
    static let current = "0.8.0"
}
