"""A trained network becomes one ONNX file, sRGB bytes in and sRGB bytes out: `lumachrome.contract` states it."""

import lumachrome as lumachrome  # before onnxruntime, which reads from the environment whether to tell of its runs
