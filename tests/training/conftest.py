"""What tests of training share."""

import pytest
import tensorflow as tf


@pytest.fixture
def uncompiled():
    """Steps run as they are written: to compile them takes seconds for each run, and most runs here have few steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
