"""The demo app without Android Studio, SDK or Gradle: what it is built and tested with, its APK, its tests on a JVM.

The sources, and the versions of all that they need, are those of ``android_demo/``, which Gradle reads too.
"""
