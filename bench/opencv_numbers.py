"""OpenCV and NumPy, one thread: the numbers of lightmeter's default set, of an RGB array.

OpenCV does whatever it has a function for, on 8 or 16 bits as far as these go.
"""

import cv2
import numpy as np

NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def histogram(plane):
    return cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def numbers_of(array):
    height, width, _ = array.shape
    pixels = height * width
    numbers = {}

    hsv = cv2.cvtColor(array, cv2.COLOR_RGB2HSV_FULL)
    means, deviations = cv2.meanStdDev(hsv)
    for name, mean, deviation in zip(
        ("Hue", "Saturation", "Brightness"), means.ravel(), deviations.ravel(), strict=True
    ):
        numbers |= {f"{name}.mean": mean, f"{name}.stddev": deviation}

    means, deviations = cv2.meanStdDev(array)
    means = means.ravel()
    for name, mean, deviation in zip(
        ("Red", "Green", "Blue"), means, deviations.ravel(), strict=True
    ):
        numbers |= {
            f"{name}.mean": mean,
            f"{name}.stddev": deviation,
            f"{name}.share": mean / means.sum(),
        }

    planes = cv2.split(array)
    histograms = [histogram(plane) for plane in planes]
    shares = np.concatenate(histograms) / (3 * pixels)
    shares = shares[shares > 0]
    numbers["entropy"] = -(shares * np.log2(shares)).sum()
    numbers["glare_percent"] = 100 * sum(each[245:].sum() for each in histograms) / (3 * pixels)

    red, green, blue = planes
    largest = cv2.max(cv2.max(red, green), blue)
    chroma = cv2.subtract(largest, cv2.min(cv2.min(red, green), blue))
    numbers["gray_percent"] = 100 - 100 * cv2.countNonZero(chroma) / pixels
    hues = cv2.split(hsv)[0]
    joint = cv2.calcHist([hues, chroma], [0, 1], None, [256, 256], [0, 256, 0, 256])
    weights = joint @ np.arange(256)
    angles = 2 * np.pi * (np.arange(256) + 0.5) / 256
    x, y = (weights * np.cos(angles)).sum(), (weights * np.sin(angles)).sum()
    numbers["Hue.circular_mean"] = np.arctan2(y, x) / (2 * np.pi) * 255 % 255
    numbers["Hue.concentration"] = np.hypot(x, y) / weights.sum()

    red_green = cv2.subtract(red, green, dtype=cv2.CV_16S)
    yellow_blue = cv2.subtract(
        cv2.add(red, green, dtype=cv2.CV_16S), cv2.add(blue, blue, dtype=cv2.CV_16S)
    )
    (rg_mean, rg_stddev), (yb_mean, yb_stddev) = (
        (mean.item(), stddev.item())
        for mean, stddev in (cv2.meanStdDev(red_green), cv2.meanStdDev(yellow_blue))
    )
    numbers["Colorfulness"] = np.hypot(rg_stddev, yb_stddev / 2) + 0.3 * np.hypot(
        rg_mean, yb_mean / 2
    )

    luma = cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)
    mean, stddev = cv2.meanStdDev(luma)
    numbers |= {"Luma.mean": mean.item(), "Luma.stddev": stddev.item()}
    lumas = histogram(luma)
    numbers["dark_percent"] = 100 * lumas[:6].sum() / pixels
    numbers["bright_percent"] = 100 * lumas[250:].sum() / pixels

    _, stddev = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S, ksize=1))
    numbers["Sharpness"] = stddev.item() ** 2
    noise = cv2.filter2D(luma, cv2.CV_16S, NOISE)[1:-1, 1:-1]
    numbers["Noise"] = (
        np.sqrt(np.pi / 2) / (6 * noise.size) * cv2.norm(np.ascontiguousarray(noise), cv2.NORM_L1)
    )

    across = cv2.absdiff(luma[:, 1:], luma[:, :-1])
    down = cv2.absdiff(luma[1:], luma[:-1])
    at_borders = cv2.sumElems(np.ascontiguousarray(across[:, 7::8]))[0] + down[7::8].sum()
    borders = across[:, 7::8].size + down[7::8].size
    everywhere = cv2.sumElems(across)[0] + cv2.sumElems(down)[0]
    elsewhere = (everywhere - at_borders) / (across.size + down.size - borders)
    numbers["Blockiness"] = at_borders / borders / elsewhere
    return {name: float(number) for name, number in numbers.items()}
