"""The folders of Google Takeout: years, albums, trash, archive, in the languages of accounts."""

import re
from collections.abc import Collection, Mapping

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ -]\d{4}-\d\d-\d\d)?(?: ?#\d+)?(?:\(\d+\))?")
_NUMBER = re.compile(r"\(\d+\)$")
# What is left of the name of a folder for a year without the year.
_YEAR_WORDS = frozenset(
    (
        "",
        "photos from",
        "fotos von",
        "fotos aus",
        "fotos uit",
        "foto's uit",
        "photos de",
        "fotos de",
        "fotos del",
        "foto del",
        "foto dal",
        "fotografias de",
        "fotografies de",
        "foton från",
        "bilder från",
        "bilder fra",
        "billeder fra",
        "fotos fra",
        "kuvat vuodelta",
        "kuvat vuosilta",
        "zdjęcia z",
        "zdjęcia z roku",
        "fotky z roku",
        "fotky z",
        "fotografie z roku",
        "fényképek",
        "fotografii din",
        "fotoğraflar",
        "yılından fotoğraflar",
        "фото за",
        "фото за г.",
        "фотографии за",
        "фотографии за г.",
        "фотографії за",
        "фото з",
        "年の写真",
        "年的照片",
        "年 的照片",
        "년의 사진",
        "년 사진",
    )
)
TRASH = frozenset(
    (
        "trash|bin|papierkorb|corbeille|papelera|paperera|lixeira|lixo|cestino|prullenbak|kosz|koš"
        "|papperskorg|papperskorgen|papirkurv|papirkurven|roskakori|корзина|кошик|lomtár"
        "|coș de gunoi|çöp kutusu|çöp|ゴミ箱|回收站|垃圾桶|휴지통"
    ).split("|")
)
LOCKED = frozenset(
    (
        "locked folder|gesperrter ordner|dossier verrouillé|carpeta bloqueada|carpeta privada"
        "|cartella bloccata|pasta trancada|pasta com bloqueio|vergrendelde map|låst mapp|låst mappe"
        "|folder zablokowany|lukittu kansio|личная папка|ロックされたフォルダ|잠긴 폴더"
        "|已锁定的文件夹"
    ).split("|")
)
ARCHIVE = frozenset(
    (
        "archive|archiv|archives|archivo|archivio|arquivo|archief|archiwum|arkiv|arkisto|архив"
        "|архів|arşiv|arxiu|arhivă|archívum|アーカイブ|归档|보관함|failed videos"
    ).split("|")
)


def folded_name(folder: str) -> str:
    """Return the last name of a folder for comparing, without the number of a repeated one."""
    return _NUMBER.sub("", folder.rpartition("/")[2]).strip().casefold()


def is_left_out(folder: str) -> bool:
    """Whether a folder is the trash, or what the person locked."""
    return folded_name(folder) in TRASH | LOCKED


def album_titles(folders: Collection[str], titles: Mapping[str, str]) -> dict[str, str]:
    """Return the title of each folder that is an album.

    folders: those with photos, as paths. titles: what the ``.json`` of a folder says; a folder may
    lack it, since it may be in another part. A title that is empty is no album's.
    """
    years = year_folders(folders, titles.keys())
    return {
        folder: titles.get(folder, folder.rpartition("/")[2])
        for folder in folders
        if folder not in years
        and titles.get(folder, "-")
        and ("/" in folder or folder in titles)
        and folded_name(folder) not in ARCHIVE | TRASH | LOCKED
        and not _DAY.fullmatch(folder.rpartition("/")[2])
    }


def year_folders(folders: Collection[str], with_title: Collection[str]) -> set[str]:
    """Return the folders that hold the photos of a year.

    In a language that is not listed here, those are the folders without a title whose names differ
    only in the year.
    """
    by_words: dict[str, set[str]] = {}
    for folder in folders:
        name = folded_name(folder)
        if len(_YEAR.findall(name)) == 1:
            words = " ".join(_YEAR.sub(" ", name).split())
            by_words.setdefault(words, set()).add(folder)
    years: set[str] = set()
    for words, named in by_words.items():
        untitled = {folder for folder in named if folder not in with_title}
        if words in _YEAR_WORDS:
            years |= named
        elif len({folded_name(folder) for folder in untitled}) > 1:
            years |= untitled
    return years
