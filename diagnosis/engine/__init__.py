"""From the bytes of a radiograph to an answer. A leaf: no Django, no Celery, no TensorFlow."""
