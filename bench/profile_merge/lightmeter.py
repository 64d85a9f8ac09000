import bites
import views
from lightmeter import ProfileView, log_image

FILES = 10_000
COMPARED = 200


def prepare(case, data):
    return [log_image(picture).view().to_bytes() for picture in bites.cut(data, FILES)]


def items(files):
    return len(files)


def run(files):
    return ProfileView.merge_many(ProfileView.from_bytes(file) for file in files)


def answer(files, merged):
    return views.of_lightmeter(run(files[:COMPARED]))
