import pytest

from laba.core.sniffing import OPAQUE, is_image, media_type


# E12; https://mimesniff.spec.whatwg.org sections 6.1 and 6.2
@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"GIF87a..", "image/gif"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x00\x01\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x01\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x00\x01\x00\x00AVI LIST", "video/avi"),
        (b"FORM\x00\x01\x00\x00AIFFCOMM", "audio/aiff"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80\x02\x1f\xfc", "audio/aac"),
        (b"fLaC\x00", "audio/flac"),
        (b"#!AMR\n<", "audio/amr"),
        (b"#!AMR-WB\n", "audio/amr"),
        (b"OggS\x00\x02" + bytes(22) + b"OpusHead", "audio/ogg"),
        (b"OggS\x00\x02" + bytes(22) + b"\x80theora", OPAQUE),
        (b"\x00\x00\x00\x1cftypisom", "video/mp4"),
        (b"\x00\x00\x00\x1cftypmp42", "video/mp4"),
        (b"\x00\x00\x00\x1cftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
        (b"\x00\x00\x00\x14ftyp3gp4", "video/3gpp"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", OPAQUE),
    ],
)
def test_a_file_is_what_its_bytes_say(head, found):
    """Images, sound and moving pictures as browsers know them."""
    assert media_type(head) == found


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"<!DOCTYPE html>",
        b"<html>",
        b"  <script>",
        b"<?xml version='1.0'?>",
        b"<svg xmlns=",
        b"\xef\xbb\xbf<html>",
        b"\xff\xfe<\x00h\x00t\x00m\x00l\x00",
        b"\xfe\xff\x00<\x00h",
        b"%PDF-1.7",
        b"%!PS-Adobe",
        b"PK\x03\x04",
        b"MZ\x90\x00",
        b"\x7fELF",
        b"#!/bin/sh",
        b"{}",
        b"GIF88a<script>",
        b"RIFF....CDR ",
        b"xGIF89a",
    ],
)
def test_what_can_run_is_opaque(head):
    """So is everything that nobody knows."""
    assert media_type(head) == OPAQUE


def test_images_are_what_thumbnails_are_made_of():
    assert [is_image(kind) for kind in ("image/png", "image/webp", "video/mp4", OPAQUE)] == [True, True, False, False]
