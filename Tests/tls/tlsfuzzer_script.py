"""Runs one script of tlsfuzzer with a seed of its own, and with what this server speaks instead of what it does not.

    PYTHONPATH=FOLDER tlsfuzzer_script.py SEED rsa|ecdsa NAME ARGUMENTS...

Where a script would offer suites with CBC it offers those with GCM, and for a server with a P-256 key it asks for
signatures of that key. Else it would be refused before it comes to what it tries.
"""
import importlib
import random
import sys

from tlslite.constants import CipherSuite, SignatureScheme

GCM = {"AES_128_CBC_SHA": "AES_128_GCM_SHA256", "AES_128_CBC_SHA256": "AES_128_GCM_SHA256",
       "AES_256_CBC_SHA": "AES_256_GCM_SHA384", "AES_256_CBC_SHA384": "AES_256_GCM_SHA384"}


def main():
    seed, kind, name = sys.argv[1:4]
    for cbc, gcm in GCM.items():
        suite = getattr(CipherSuite, f"TLS_ECDHE_{kind.upper()}_WITH_{gcm}")
        for key in ("RSA", "ECDSA"):
            setattr(CipherSuite, f"TLS_ECDHE_{key}_WITH_{cbc}", suite)
    if kind == "ecdsa":
        SignatureScheme.rsa_pss_rsae_sha256 = SignatureScheme.ecdsa_secp256r1_sha256
    sys.argv[:4] = [name]
    random.seed(seed)
    importlib.import_module("tlsfuzzer._apps." + name.replace("-", "_")).main()


if __name__ == "__main__":
    main()
