// The fuzzer's command line: `fuzz --target=NAME [options of libFuzzer] [folders or files]`.
// libFuzzer makes the inputs; what is held true of them stands in the targets.

import Glibc

// In libclang_rt.fuzzer: parses the options, makes inputs, and ends the process when it is done.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

// It ignores options that begin with `--`, and hands them on to the processes that it starts.
let option = "--target="
let named = CommandLine.arguments.first { $0.hasPrefix(option) }?.dropFirst(option.count) ?? ""
guard let target = Target(rawValue: String(named)) else {
    print("usage: fuzz --target=\(Target.allCases.map(\.rawValue).joined(separator: "|"))")
    exit(64)
}
Tally.target.store(target.index, ordering: .relaxed)
atexit { Tally.report() }

var count = CommandLine.argc
var arguments = unsafe CommandLine.unsafeArgv
exit(
    unsafe runFuzzer(&count, &arguments) { start, count in
        let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
        Tally.add(input.count)
        Target.allCases[Tally.target.load(ordering: .relaxed)].run(input)
        return 0
    })
