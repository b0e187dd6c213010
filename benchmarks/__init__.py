"""Measurements of ssc-deploy; see README.md beside this file.

A package with this file, so that none of the same name in the environment of another converter can hide it.
"""
