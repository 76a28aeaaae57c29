// The statement about PSD2 in a qualified certificate (ETSI TS 119 495 §5.1). Pure.

import Tokens

enum QualifiedStatements {
    /// 0.4.0.19495.2, `id-etsi-psd2-qcStatement`.
    private static let psd2: [UInt8] = [0x04, 0x00, 0x81, 0x98, 0x27, 0x02]
    /// 0.4.0.19495.1, behind which stands the number of the role.
    private static let role: [UInt8] = [0x04, 0x00, 0x81, 0x98, 0x27, 0x01]
    private static let roles: [UInt8: ProviderRoles] = [
        1: .accountServicing, 2: .paymentInitiation, 3: .accountInformation, 4: .cardIssuing,
    ]

    /// What a list of statements says of a provider's roles.
    enum Finding: Equatable {
        /// Nothing.
        case none
        /// Roles that nobody knows say nothing.
        case roles(ProviderRoles)
        /// It cannot be read, or says it twice.
        case malformed
    }

    /// - Parameter bytes: the value of the extension `qcStatements` (RFC 3739 §3.2.6).
    static func roles(_ bytes: [UInt8]) -> Finding {
        var list = DERReader(bytes[...])
        guard let content = list.read(DERReader.Tag.sequence), list.isAtEnd else {
            return .malformed
        }
        var found = Finding.none
        var statements = DERReader(content)
        while !statements.isAtEnd {
            guard let statement = statements.read(DERReader.Tag.sequence) else { return .malformed }
            var parts = DERReader(statement)
            guard let id = parts.read(DERReader.Tag.objectIdentifier) else { return .malformed }
            guard id.elementsEqual(psd2) else { continue }
            guard found == .none, let roles = rolesOfProvider(&parts) else { return .malformed }
            found = .roles(roles)
        }
        return found
    }

    /// `PSD2QcType`: the roles come first. Names are for people; the numbers count.
    private static func rolesOfProvider(_ parts: inout DERReader) -> ProviderRoles? {
        guard let type = parts.read(DERReader.Tag.sequence), parts.isAtEnd else { return nil }
        var members = DERReader(type)
        guard let content = members.read(DERReader.Tag.sequence) else { return nil }
        var list = DERReader(content)
        var all: ProviderRoles = []
        while !list.isAtEnd {
            guard let one = list.read(DERReader.Tag.sequence) else { return nil }
            var parts = DERReader(one)
            guard let id = parts.read(DERReader.Tag.objectIdentifier) else { return nil }
            if id.count == role.count + 1, id.starts(with: role), let last = id.last,
                let role = roles[last]
            {
                all.insert(role)
            }
        }
        return all
    }
}
