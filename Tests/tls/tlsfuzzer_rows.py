"""Which scripts of tlsfuzzer are run, and which of their conversations end otherwise than they expect, and why.

Names are without `test-`. KNOWN has patterns of conversations. They are run too: the server must live through them.
"""

# Scripts for a server that asks for no certificate.
TLS12 = ["ccs", "client-hello-max-size", "conversation", "cve-2004-0079", "cve-2016-6309", "early-application-data",
         "fuzzed-ciphertext", "hello-request-by-client", "interleaved-CKE-with-CCS", "invalid-client-hello-w-record-overflow",
         "invalid-content-type", "large-number-of-extensions", "message-skipping", "record-layer-fragmentation",
         "renegotiation-disabled", "ssl-death-alert", "truncating-of-client-hello", "version-numbers", "zero-length-data"]
TLS13 = ["tls13-0rtt-garbage", "tls13-ccs", "tls13-conversation", "tls13-count-tickets", "tls13-empty-alert", "tls13-finished",
         "tls13-finished-plaintext", "tls13-hrr", "tls13-invalid-ciphers", "tls13-keyshare-omitted", "tls13-keyupdate",
         "tls13-nociphers", "tls13-pkcs-signature", "tls13-record-layer-limits", "tls13-record-padding", "tls13-rsa-signatures",
         "tls13-signature-algorithms", "tls13-unencrypted-alert", "tls13-zero-content-type", "tls13-zero-length-data"]

# Scripts for a server that asks for one, with the client's kind of key.
CLIENT = [("certificate-malformed", "rsa"), ("certificate-request", "rsa"), ("certificate-verify", "rsa"),
          ("certificate-verify-malformed", "rsa"), ("certificate-verify-malformed-sig", "rsa"),
          ("ecdsa-in-certificate-verify", "ecdsa"), ("rsa-sigs-on-certificate-verify", "rsa"),
          ("tls13-certificate-request", "rsa"), ("tls13-certificate-verify", "rsa"),
          ("tls13-ecdsa-in-certificate-verify", "ecdsa")]

LIMIT = "behind 64 KiB without a byte for HTTP the connection ends (TLSLimits.emptyBytesMax)"
NO_SHA1 = "signatures with SHA-1 are not offered (RFC 9155)"
SIGNATURES = "the script lists the algorithms of a server of its own"
OTHER_ALERT = "OpenSSL refuses it too, with another alert"
ONE_KEY = "the script wants signatures of an RSA key"

# Where a certificate is required, besides.
REQUIRED = {
    "certificate-malformed": [("sanity - no client cert", "it comes without a certificate")],
    "certificate-request": [("sanity|check cert types in cert request", "it comes without a certificate")],
    "tls13-certificate-request": [("sanity", "it comes without a certificate")],
}
KNOWN = {
    "certificate-malformed": [("fuzz empty certificate - overall (7, certs 4, cert 1|8, certs 5, cert 2)", OTHER_ALERT)],
    "client-hello-max-size": [("max client hello", LIMIT)],
    "invalid-client-hello-w-record-overflow": [("session ID len fuzz to 5 w/ext", OTHER_ALERT)],
    "large-number-of-extensions": [("163[0-9][0-9] extensions.*", LIMIT)],
    "record-layer-fragmentation": [("maximum size: .*65385B extension", LIMIT)],
    "truncating-of-client-hello": [("(huge|max) pad: .*", LIMIT)],
    "tls13-0rtt-garbage": [(".*downgrade to TLS 1.2.*", "it offers no suite of TLS 1.2 with ECDHE and GCM")],
    "tls13-finished": [("padding - .*pad_left.*", OTHER_ALERT)],
    "tls13-keyupdate": [("large KeyUpdate message", OTHER_ALERT),
                        ("app data split, conversation with KeyUpdate msg",
                         "OpenSSL updates its own key with the next answer, as RFC 8446 §4.6.3 has it, and not before")],
    "tls13-signature-algorithms": [(r".*\b32[0-9]{3} .*", LIMIT)],
    "tls13-record-layer-limits": [
        ("max size of Finished msg, with 16587 .*", "OpenSSL 3.0 takes padding beyond 2^14 + 1 bytes that fits its buffer"),
        ("too big plaintext, size: 2\\*\\*14 - 8, .*", "OpenSSL 3.0 takes padding beyond 2^14 + 1 bytes that fits its buffer"),
        ("max size payload .* of Finished msg, .*left padding.*", OTHER_ALERT)],
    "tls13-rsa-signatures": [("tls13 signature rsa_pss_rsae_sha(384|512)", ONE_KEY)],
    "certificate-request": [("check sigalgs in cert request", SIGNATURES)],
    "certificate-verify-malformed-sig": [("sanity - sha1|.*SHA-1.*", NO_SHA1)],
    "ecdsa-in-certificate-verify": [(".*sha1.*", NO_SHA1), (".*sha224.*", "signatures with SHA-224 are not offered")],
    "rsa-sigs-on-certificate-verify": [("check sha1 .*", NO_SHA1),
                                       ("check sha224 .*", "signatures with SHA-224 are not offered")],
    "tls13-certificate-request": [("check sigalgs in cert request", SIGNATURES),
                                  ("verify extensions in CertificateRequest", "it also names the CAs (RFC 8446 §4.2.4)")],
    "tls13-certificate-verify": [("check sigalgs in cert request", SIGNATURES)],
    "tls13-ecdsa-in-certificate-verify": [("check sigalgs in cert request", SIGNATURES)],
}
