"""A trained network becomes one ONNX file, sRGB bytes in and sRGB bytes out: `lumachrome.contract` states it."""
