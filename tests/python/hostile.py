"""Texts that would do something where they are not escaped."""

HOSTILE = [
    "</script><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "]]></style><svg onload=alert(1)>",
    "\u202egnp.exe\u2066",
    "tab\tnul\x00esc\x1b[31mred",
    "--><!--&lt;b&gt;&#x3c;b&#x3e;",
    "javascript:alert(1)",
    "https://example.com/x.png",
    "e\u0301" + "\u0301" * 20,
    "\u2028line\u2029end\ufeff",
]
