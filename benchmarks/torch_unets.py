"""The two U-Nets of the benchmark written plainly in PyTorch, and those of like size from MONAI."""

import time

import torch
from torch import nn
from torch.nn.functional import interpolate


class TwoConvolutions(nn.Sequential):
    """Two 3x3 convolutions with ReLU, with batch normalisation before it if asked for."""

    def __init__(self, channels, filters, batch_norm):
        parts = []
        for width in (channels, filters):
            parts.append(nn.Conv2d(width, filters, 3, padding=1))
            parts += [nn.BatchNorm2d(filters, eps=1e-3)] if batch_norm else []
            parts.append(nn.ReLU(inplace=True))
        super().__init__(*parts)


class UNet(nn.Module):
    """``huang_unet`` (transposed convolutions) or ``melnic_unet`` (bilinear, batch normalisation); gives logits."""

    def __init__(self, width, *, bilinear):
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.bilinear = bilinear
        self.down = nn.ModuleList(
            TwoConvolutions(before, after, bilinear) for before, after in zip([1, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.Identity() if bilinear else nn.ConvTranspose2d(widths[level + 1], widths[level], 2, 2)
            for level in range(4)
        )
        self.join = nn.ModuleList(
            TwoConvolutions((3 if bilinear else 2) * widths[level], widths[level], bilinear) for level in range(4)
        )
        head = [nn.Conv2d(width, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 1, 1)]
        self.head = nn.Sequential(*head) if bilinear else nn.Conv2d(width, 1, 1)

    def forward(self, images):
        x = images.float()
        if self.bilinear:
            deviation, mean = torch.std_mean(x, dim=(1, 2, 3), keepdim=True, correction=0)
            x = (x - mean) / deviation
        else:
            x = x / 255
        skips = []
        for level, stage in enumerate(self.down):
            x = stage(x)
            if level < 4:
                skips.append(x)
                x = nn.functional.max_pool2d(x, 2)
        for level in (3, 2, 1, 0):
            x = interpolate(x, scale_factor=2, mode="bilinear") if self.bilinear else self.up[level](x)
            x = self.join[level](torch.cat([x, skips[level]], 1))
        return self.head(x)


class Scaled(nn.Module):
    """Another network behind the division of grey values by 255."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        return self.network(images.float() / 255)


def build(network, width):
    """``huang_unet`` or ``melnic_unet``, or of MONAI ``basic_unet`` or ``unet``, each with this many feature maps first."""
    if network in ("huang_unet", "melnic_unet"):
        return UNet(width, bilinear=network == "melnic_unet")
    from monai.networks import nets

    widths = [width * 2**level for level in range(5)]
    if network == "basic_unet":
        return Scaled(nets.BasicUNet(2, 1, 1, features=(*widths, width), act="relu"))
    return Scaled(nets.UNet(2, 1, 1, channels=widths, strides=(2, 2, 2, 2), num_res_units=2))


def operations(model, images):
    """Multiplications and additions of one forward pass over one image."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(images[:1])
    return counter.get_total_flops()


def rates(model, precision, images, masks, batch_size, epochs):
    """Training and forward images a second: channels-last, Adam, cross-entropy, shuffled batches, summed IoU.

    Returns
    -------
    dict
        ``parameters``, ``operations``, ``train`` and ``forward``.
    """
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters())
    loss_of = nn.BCEWithLogitsLoss()
    images, masks = torch.from_numpy(images).movedim(-1, 1), torch.from_numpy(masks)[:, None]
    low = precision == "bfloat16"
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=low)
    seconds = []
    for _ in range(epochs):
        began, common, union = time.perf_counter(), 0, 0
        for place in torch.randperm(len(images)).split(batch_size):
            truth = masks[place]
            with autocast:
                logits = model(images[place].contiguous(memory_format=torch.channels_last))
            loss = loss_of(logits.float(), truth.float())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            predicted = logits.detach() > 0
            common, union = common + (predicted & truth).sum(), union + (predicted | truth).sum()
        seconds.append(time.perf_counter() - began)
    model.eval()
    with torch.inference_mode(), autocast:
        for _ in range(2):
            began = time.perf_counter()
            for batch in images.split(batch_size):
                model(batch.contiguous(memory_format=torch.channels_last))
        forward = len(images) / (time.perf_counter() - began)
    count = sum(weight.numel() for weight in model.parameters())
    each = {"train": len(images) * (epochs - 1) / sum(seconds[1:]), "forward": forward}
    return {"parameters": count, "operations": operations(model, images), **each}


def product_rate(precision, size=4096, repeats=4):
    """Billions of operations a second of one large matrix product."""
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    left, right = torch.randn(size, size, dtype=kind), torch.randn(size, size, dtype=kind)
    left @ right
    began = time.perf_counter()
    for _ in range(repeats):
        left @ right
    return 2 * size**3 * repeats / (time.perf_counter() - began) / 1e9
