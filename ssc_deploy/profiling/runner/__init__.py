"""The runner: measures models on the device where it runs, by one protocol for every device.

It is copied to devices as one file, ``runner.pyz``, which `ssc_deploy.profiling.runner_archive` builds of this folder:

    python runner.pyz FOLDER     does what FOLDER/job.json says, and writes FOLDER/result.json
    python runner.pyz --probe    prints the environment of the device as JSON

`ssc_deploy/profiling/job.py` says what both files hold. The runner needs Python 3.8, numpy, and the runtime of each
model: onnxruntime for .onnx; ai_edge_litert or tflite_runtime for .tflite. It imports nothing of ssc_deploy outside
this folder, and its own modules by relative imports, since the folder is a package of another name in the archive. The
library may import from here.

Standard output gets a line whenever a part is done, so that the waiting program knows that it continues. Exit codes: 0
the result is there (it also says what is wrong with single models); 2 the job cannot be done; 3 the result cannot be
written. The reason is the last line of standard error.
"""
