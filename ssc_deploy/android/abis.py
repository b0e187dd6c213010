"""Kinds of processors, as Android names them. Imports nothing: the command line lists them before it does anything."""

#: Those that both runtimes are built for; the first is that of today's phones.
ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64", "x86")

#: Phones since about 2017; an emulator on a PC has x86_64.
DEFAULT_ABIS = ("arm64-v8a",)
