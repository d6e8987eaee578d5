"""Writes the keys and the signature of this folder with OpenSSF's model-signing 1.1.1.

Needs Python 3.11, "pip install model-signing==1.1.1 pyopenssl", and openssl 3. With arguments it
checks instead: "python regenerate.py FOLDER SIGNATURE [PUBLIC_KEY]" tells whether the Python
package finds a signature good that a registry wrote, with the key p256-private.pem unless another
is named. ours.sig was written by SignaturePeerTest, after the package had found it good.
"""

import pathlib
import subprocess
import sys
import tempfile

import model_signing

HERE = pathlib.Path(__file__).parent
PASSWORD = "correct horse"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True)


def keys():
    for name, options in {
        "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ed25519": ["-algorithm", "ED25519"],
    }.items():
        private = HERE / f"{name}-private.pem"
        openssl("genpkey", *options, "-out", private)
        openssl("pkey", "-in", private, "-pubout", "-out", HERE / f"{name}-public.pem")
    openssl(
        "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256",
        "-in", HERE / "p256-private.pem", "-out", HERE / "p256-encrypted.pem",
        "-passout", f"pass:{PASSWORD}",
    )


def sign():
    with tempfile.TemporaryDirectory() as parent:
        folder = pathlib.Path(parent) / "model"
        (folder / "text").mkdir(parents=True)
        (folder / "config.json").write_text('{"layers": 2}')
        (folder / "text" / "vocabulary.txt").write_text("words")
        (folder / "weights.bin").write_text("weights")
        (folder / ".gitattributes").write_text("x")
        model_signing.signing.Config().use_elliptic_key_signer(
            private_key=HERE / "p256-private.pem"
        ).sign(folder, HERE / "p256.sig")
        verify(folder, HERE / "p256.sig")


def verify(folder, signature, key=HERE / "p256-public.pem"):
    model_signing.verifying.Config().use_elliptic_key_verifier(public_key=pathlib.Path(key)).verify(
        pathlib.Path(folder), pathlib.Path(signature)
    )
    print("good:", signature)


if len(sys.argv) > 2:
    verify(*sys.argv[1:])
else:
    keys()
    sign()
