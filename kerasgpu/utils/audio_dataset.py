"""audio_dataset_from_directory: WAV files, read with the standard library."""

from __future__ import annotations

import wave

import numpy as np

from kerasgpu.utils.dataset_utils import Request


def audio_dataset_from_directory(
    directory,
    labels="inferred",
    label_mode="int",
    class_names=None,
    batch_size=32,
    sampling_rate=None,
    output_sequence_length=None,
    ragged=False,
    shuffle=True,
    seed=None,
    validation_split=None,
    subset=None,
    follow_links=False,
    verbose=True,
):
    """A `keras.data.Dataset` of batches of sound, (batch, samples, channels) float32 from -1 to 1, and their labels.

    Args:
        directory: folder with one subfolder of .wav files (PCM of 8 to 32 bits) for each class.
        sampling_rate: samples per second to convert to, band-limited; None keeps the files' own.
        output_sequence_length: samples of each element, cut or padded with zeros; None pads each batch to its longest.
        ragged: must be False: there are no ragged tensors.

    The other arguments are those of `image_dataset_from_directory`.
    """
    if ragged and output_sequence_length is not None:
        raise ValueError("Cannot set both `ragged` and `output_sequence_length`")
    if ragged:
        raise NotImplementedError("Ragged tensors are not available in kerasgpu: leave ragged=False, and batches are padded")
    if sampling_rate is not None:
        if not isinstance(sampling_rate, int):
            raise ValueError(f"`sampling_rate` should have an integer value. Received: sampling_rate={sampling_rate}")
        if sampling_rate <= 0:
            raise ValueError(f"`sampling_rate` should be higher than 0. Received: sampling_rate={sampling_rate}")

    def finish(ds):
        if batch_size is None:
            return ds
        return ds.padded_batch(batch_size) if output_sequence_length is None else ds.batch(batch_size)

    return Request(
        directory,
        "audio",
        (".wav",),
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
        lambda path: read_wav(path, sampling_rate, output_sequence_length),
        finish,
    ).datasets()


def read_wav(path, sampling_rate=None, length=None):
    """A WAV file as float32 (samples, channels); ValueError naming the file when it is none."""
    try:
        with wave.open(path, "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} cannot be read as a WAV file of PCM samples ({error})") from error
    if width == 1:
        x = np.frombuffer(data, "uint8").astype("float32") / 128 - 1
    elif width == 3:  # the three bytes become the upper ones of an int32
        padded = np.zeros((len(data) // 3, 4), "uint8")
        padded[:, 1:] = np.frombuffer(data, "uint8").reshape(-1, 3)
        x = padded.view("<i4")[:, 0].astype("float32") / 2**31
    else:
        x = np.frombuffer(data, "<i2" if width == 2 else "<i4").astype("float32") / 2 ** (8 * width - 1)
    x = x.reshape(-1, channels)
    if sampling_rate is not None and sampling_rate != rate:
        x = resampled(x, rate, sampling_rate)
    if length is not None:
        x = np.pad(x[:length], ((0, max(0, length - len(x))), (0, 0)))
    return x


def resampled(x, rate, wanted):
    """x (samples, channels) at another rate: its Fourier series, cut off or filled up, evaluated at the new times."""
    count = -(-len(x) * wanted // rate)
    spectrum = np.fft.rfft(x, axis=0)[: count // 2 + 1]
    return np.fft.irfft(spectrum, count, axis=0).astype("float32") * np.float32(count / len(x))
