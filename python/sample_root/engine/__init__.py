"""The engine of the sample root: procedural pictures and sounds that take the place of a model.

There is no AI in here and there are no weights. A prompt is hashed into colours, waves and chords; the same
prompt, seed and settings always give the same media. What is real: the steps, the progress, the latents, the
decoded tensors, the files (H.264, AAC, PNG, WAV), the errors and the cancellation.
"""
