"""What a library other than NumPy shows of its memory."""

from typing import Any

from numpy.typing import NDArray


class Tensor:
    """As much of a tensor as is asked for."""

    def __init__(self, array: NDArray[Any], device: int = 1) -> None:
        self.array = array
        self.ndim = array.ndim
        self.device = device

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __getitem__(self, place: int) -> Any:
        part = self.array[place]
        return Tensor(part) if part.ndim else part

    def __len__(self) -> int:
        return len(self.array)


class Unviewable(Tensor):
    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("no such dtype")
