"""QR codes as SVG, drawn here: no other server is asked."""

import io

import segno


def qr_svg(text: str) -> str:
    """Draw a QR code, black on white on every theme: not every camera reads inverted ones."""
    buffer = io.BytesIO()
    # Level M restores 15 % of a code: enough for reflections on a screen.
    code = segno.make_qr(text, error="m")
    code.save(buffer, kind="svg", scale=8, border=4, dark="#000", light="#fff", xmldecl=False)
    return buffer.getvalue().decode("ascii")
