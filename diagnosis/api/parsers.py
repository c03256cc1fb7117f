"""What bodies are read with."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import exceptions
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    """Refuses, as any other text that is no JSON it takes, what is nested deeper than Python reads, and half
    characters, which no database stores."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            data = super().parse(*args, **kwargs)
            json.dumps(data, ensure_ascii=False).encode()
        except RecursionError as error:
            raise exceptions.ParseError("JSON parse error - it is nested too deeply.") from error
        except UnicodeEncodeError as error:
            raise exceptions.ParseError("JSON parse error - it holds half of a surrogate pair.") from error
        return data
