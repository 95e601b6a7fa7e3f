"""What file names, folders and pixel sizes say about clutter."""

import re

from scene_model.classifier.vocabulary import fold_case

# What systems and programs call screenshots, in lower case.
_SCREENSHOT = re.compile(
    r"screen[ _-]?shots?|screen[ _-]?cap(tures?)?|screenrecord|bildschirm(foto|aufnahme)|"
    r"captures? d.?[ _]?[ée]cran|capturas? de (pantalla|tela|ecr)|schermat[ae]|schermafbeelding|"
    r"skärm(avbild|bild)|skjermbilde|skærmbillede|näyttökuva|kuvakaappaus|zrzut ekranu|"
    r"snímek obrazovky|képernyőfotó|снимок экрана|скриншот|ekran (görüntüsü|resmi|alıntısı)|"
    r"スクリーンショット|截屏|截图|屏幕截图|屏幕快照|螢幕截圖|螢幕擷取|스크린샷"
)
# What messengers and sites call pictures that they saved.
_RECEIVED_NAME = re.compile(
    r"img-\d{8}-wa\d+|received_\d{6,}|fb_img_\d{6,}|photo_\d{4}-\d\d-\d\d_|signal-\d{4}-\d\d-\d\d|"
    r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|.*\bmemes?\b"
)
_RECEIVED_FOLDER = re.compile(
    r"\b(whatsapp|telegram|messenger|signal|viber|wechat|weixin|reddit|9gag|memes?|downloads?|"
    r"téléchargements|descargas)\b"
)
_CAMERA_NAME = re.compile(
    r"(img|dsc[nf]?|_mg|_dsc|pxl|mvimg|gopr|dji|sam|cimg|imgp|pict|p\d)[ _-]?\d", re.IGNORECASE
)
_RECEIPT = re.compile(
    r"(?<![^\W\d_])(receipts?|invoices?|quittung(en)?|belege?|kassenbons?|kassenzettel|rechnung(en)?|"
    r"re[çc]us?|factures?|facturas?|recibos?|scontrin[oi]|fatture?|kvitton?)(?![^\W\d_])|发票|收据"
)
_SCAN = re.compile(
    r"(?<![^\W\d_])(scans?|scanned|camscanner|documents?|dokumente?|docs?|documentos?|genius scan)"
    r"(?![^\W\d_])"
)
# Width and height of screens upright. A screenshot has exactly one of these sizes; the sensors of
# cameras have none of them.
_PHONE_SCREENS = frozenset(
    {
        *((640, 1136), (750, 1334), (828, 1792), (1080, 2340), (1125, 2436), (1170, 2532)),
        *((1179, 2556), (1206, 2622), (1242, 2208), (1242, 2688), (1260, 2736), (1284, 2778)),
        *((1290, 2796), (1320, 2868), (720, 1480), (720, 1520), (720, 1560), (720, 1600)),
        *((720, 1612), (1080, 2160), (1080, 2220), (1080, 2244), (1080, 2248), (1080, 2280)),
        *((1080, 2310), (1080, 2316), (1080, 2376), (1080, 2400), (1080, 2408), (1080, 2412)),
        *((1080, 2424), (1080, 2460), (1080, 2520), (1200, 2640), (1220, 2712), (1240, 2772)),
        *((1344, 2992), (1440, 2880), (1440, 2960), (1440, 3040), (1440, 3088), (1440, 3120)),
        *((1440, 3200), (1640, 2360), (1668, 2224), (1668, 2388)),
        *((2048, 2732), (1488, 2266)),
    }
)
# Of computers, of phones whose screens have the shape of films, and of tablets with a shape of
# photos: wallpapers and photos of old cameras have these sizes too.
_OTHER_SCREENS = frozenset(
    {
        *((720, 1280), (1080, 1920), (1440, 2560), (768, 1366), (900, 1440), (900, 1600)),
        *((1050, 1680), (1200, 1920), (1600, 2560), (2160, 3840), (1440, 3440), (1080, 2560)),
        *((1800, 2880), (1864, 2880), (1664, 2560), (1964, 3024), (2234, 3456), (2880, 5120)),
        *((1024, 1280), (800, 1280), (864, 1536), (1504, 2256), (1824, 2736), (1920, 2880)),
        *((1536, 2048), (1620, 2160)),
    }
)


def is_named_as_screenshot(text: str) -> bool:
    """Whether a name or a folder is what systems call screenshots."""
    return bool(_SCREENSHOT.search(fold_case(text)))


def is_named_as_received(name: str) -> bool:
    """Whether a file name is of a messenger or of a site."""
    return bool(_RECEIVED_NAME.match(fold_case(name)))


def is_named_by_camera(name: str) -> bool:
    """Whether a file name is of a camera or a phone."""
    return bool(_CAMERA_NAME.match(name)) and not is_named_as_received(name)


def is_folder_of_received(folder: str) -> bool:
    """Whether a folder has pictures of messengers or from the web."""
    return bool(_RECEIVED_FOLDER.search(fold_case(folder)))


def is_named_as_receipt(text: str) -> bool:
    """Whether a name or a folder speaks of receipts or invoices."""
    return bool(_RECEIPT.search(fold_case(text)))


def is_named_as_scan(text: str) -> bool:
    """Whether a name or a folder speaks of scans or documents."""
    return bool(_SCAN.search(fold_case(text)))


def is_phone_screen(width: int, height: int) -> bool:
    """Whether pixels are those of a phone's or a tablet's screen, which no photo has by chance."""
    return (min(width, height), max(width, height)) in _PHONE_SCREENS


def is_other_screen(width: int, height: int) -> bool:
    """Whether pixels are those of another screen, which wallpapers and films have too."""
    return (min(width, height), max(width, height)) in _OTHER_SCREENS
