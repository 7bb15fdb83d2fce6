"""A trained network becomes one ONNX file that takes sRGB bytes and gives sRGB bytes: `lumachrome.contract` states it."""
