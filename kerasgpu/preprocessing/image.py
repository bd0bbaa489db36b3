"""keras.preprocessing.image: the old home of image utilities that are in keras.utils now."""

from kerasgpu.utils.image_utils import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]
