"""The papers' fifteen networks and our own: full input, a small input that each takes, and what each counts."""

SINGLE, DOUBLE = (96, 96, 1), (288, 384, 1)

# name: (input of the paper, small input, total, trainable)
NETWORKS = {
    "huang_unet": ((256, 256, 1), (32, 32, 1), 1_940_817, 1_940_817),
    "belahsen_unet": (SINGLE, (32, 32, 1), 7_759_521, 7_759_521),
    "inception_unet": ((80, 112, 1), (32, 32, 1), 1_865_676, 1_858_972),
    "r2unet": (SINGLE, (32, 32, 1), 6_003_009, 6_003_009),
    "unetpp": (SINGLE, (32, 32, 1), 9_041_601, 9_041_601),
    "attention_resunet": (SINGLE, (32, 32, 1), 9_786_857, 9_776_103),
    "gulati_segnet": (SINGLE, (32, 32, 1), 29_458_305, 29_442_433),
    "gulati_unet": (SINGLE, (32, 32, 1), 7_759_521, 7_759_521),
    "resnet34_unet": ((96, 96, 3), (64, 64, 1), 24_456_154, 24_438_804),
    "melnic_unet": (DOUBLE, (32, 32, 1), 7_858_405, 7_852_517),
    "lunet": (DOUBLE, (32, 32, 1), 1_952_485, 1_949_669),
    "double_unet": (DOUBLE, (32, 32, 1), 29_296_994, 29_289_698),
    "dl_unet": (DOUBLE, (32, 32, 1), 14_774_698, 14_769_450),
    "dl_unet_vgg16": (DOUBLE, (32, 32, 1), 12_411_178, 12_407_786),
    "shrivastava_unet": ((512, 512, 1), (32, 32, 1), 7_771_297, 7_765_409),
    "nervekit_unet": ((256, 256, 1), (32, 32, 1), 1_942_289, 1_942_289),
}

# name, input, options, total, trainable
VARIANTS = [
    ("huang_unet", (256, 256, 3), {}, 1_941_105, 1_941_105),
    ("huang_unet", (256, 256, 1), {"width": 8}, 485_673, 485_673),
    ("huang_unet", (256, 256, 1), {"dropout": True}, 1_940_817, 1_940_817),
    ("r2unet", SINGLE, {"features": 64, "batch_norm": True}, 96_056_577, 96_021_249),
    ("r2unet", SINGLE, {"features": 32}, 24_001_665, 24_001_665),
    ("r2unet", SINGLE, {"batch_norm": True}, 6_020_673, None),
    ("unetpp", SINGLE, {"deep_supervision": True}, 9_041_700, 9_041_700),
    ("attention_resunet", SINGLE, {"head": "sigmoid"}, 9_786_857, 9_776_103),
    ("gulati_segnet", SINGLE, {"unpooling": "nearest"}, 29_458_305, 29_442_433),
    ("gulati_segnet", (96, 96, 3), {}, 29_459_457, 29_443_585),
    ("gulati_segnet", SINGLE, {"batch_norm": False}, 29_426_561, 29_426_561),
    ("gulati_unet", SINGLE, {"width": 64}, 31_030_593, 31_030_593),
    ("resnet34_unet", SINGLE, {}, 24_456_154, 24_438_804),
    ("resnet34_unet", SINGLE, {"grey": "convolution"}, 24_456_160, 24_438_810),
    ("resnet34_unet", SINGLE, {"grey": "native"}, 24_449_876, 24_432_530),
    ("lunet", DOUBLE, {"batch_norm": "first"}, 1_949_669, 1_948_261),
    ("double_unet", (288, 384, 3), {}, 29_297_570, 29_290_274),
    ("double_unet", DOUBLE, {"outputs": "both"}, 29_296_994, 29_289_698),
    ("dl_unet", DOUBLE, {"batch_norm": "first"}, 14_770_986, 14_767_594),
    ("dl_unet_vgg16", DOUBLE, {"faithful": False}, 11_824_810, 11_819_562),
    ("dl_unet_vgg16", DOUBLE, {"faithful": False, "batch_norm": "first"}, 11_821_098, 11_817_706),
    ("shrivastava_unet", (512, 512, 1), {"batch_norm": False}, 7_759_521, 7_759_521),
    # two more 1x1 convolutions, of 32 and 64 feature maps and a bias
    ("nervekit_unet", (256, 256, 1), {"deep_supervision": True}, 1_942_289 + 33 + 65, 1_942_387),
    ("nervekit_unet", (256, 256, 3), {}, 1_942_289 + 2 * 9 * 16, 1_942_577),
    ("nervekit_unet", (64, 64, 1), {"width": 2, "depth": 1}, 447, 447),
]
