"""Signs with a debug key that is made once and kept, since an app and its updates need the same key."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssc_deploy.android import artifacts, jdk
from ssc_deploy.storage.cache import cache_folder, locked

if TYPE_CHECKING:
    from ssc_deploy.android.fetching import Parts
    from ssc_deploy.android.jdk import Jdk

#: The usual values of debug keys of Android. A debug key is for development; app stores do not accept it.
_ALIAS, _PASSWORD = "androiddebugkey", "android"
_NAME = "CN=Android Debug,O=Android,C=US"
_DAYS = 30 * 365


def sign(java: Jdk, parts: Parts, unsigned: Path, signed: Path) -> None:
    """Signs an APK by the schemes 2 and 3; Android 8 and later, which the app is for, ask for no older one.

    Raises:
        AndroidError: it cannot be signed.
    """
    options = {
        "--ks": str(_keystore(java)),
        "--ks-key-alias": _ALIAS,
        "--ks-pass": f"pass:{_PASSWORD}",
        "--min-sdk-version": parts.project.property("demo.minSdk"),
        "--v1-signing-enabled": "false",
        "--v2-signing-enabled": "true",
        "--v3-signing-enabled": "true",
        "--out": str(signed),
    }
    arguments = [part for option in options.items() for part in option]
    _apksigner(java, parts, ["sign", *arguments, str(unsigned)], "the APK cannot be signed")


def schemes(java: Jdk, parts: Parts, apk: Path) -> tuple[int, ...]:
    """The schemes by which an APK is signed.

    Raises:
        AndroidError: it is not signed, or was changed since.
    """
    arguments = ["verify", "--verbose", "--min-sdk-version", parts.project.property("demo.minSdk"), str(apk)]
    said = _apksigner(java, parts, arguments, f"the signature of {apk.name} does not hold")
    return tuple(int(scheme) for scheme in re.findall(r"Verified using v(\d) scheme \([^)]*\): true", said))


def _apksigner(java: Jdk, parts: Parts, arguments: list[str], said: str) -> str:
    jar = parts.member(artifacts.APKSIGNER)
    return jdk.run(java.java([jar], "com.android.apksigner.ApkSignerTool", *arguments), said)


def _keystore(java: Jdk) -> Path:
    path = cache_folder() / "android" / "debug.keystore"
    with locked(path.with_name("lock")):
        if not path.is_file():
            with tempfile.TemporaryDirectory(dir=path.parent) as temporary:
                made = Path(temporary, path.name)
                names = ["-keystore", str(made), "-storetype", "PKCS12", "-alias", _ALIAS, "-dname", _NAME]
                key = ["-keyalg", "RSA", "-keysize", "2048", "-validity", str(_DAYS), "-storepass", _PASSWORD]
                jdk.run([java.program("keytool"), "-genkeypair", *names, *key], "a debug key cannot be made")
                made.replace(path)
    return path
