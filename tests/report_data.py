"""What a report holds for its script, as tests read it."""

import gzip
import json
import re
from base64 import b64decode
from typing import Any


def page_data(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="text/plain" id="data">([^<]+)</script>', html)
    assert found
    return json.loads(gzip.decompress(b64decode(found[1])))
