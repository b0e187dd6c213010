"""``python -m ssc_deploy``: the command line, for where the script ``ssc-deploy`` is not on PATH."""

from ssc_deploy.cli import main

if __name__ == "__main__":
    main(prog_name="ssc-deploy")
