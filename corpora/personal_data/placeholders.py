"""What a text has in place of personal data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "email": "[이메일]",
        "ip": "[IP주소]",
        "passport": "[여권번호]",
        "driving_licence": "[운전면허번호]",
        "resident": "[주민등록번호]",
        "foreigner": "[외국인등록번호]",
        "card": "[카드번호]",
        "business": "[사업자등록번호]",
        "phone": "[전화번호]",
        "account": "[계좌번호]",
    }
)
"""Kind of personal data -> its placeholder. No placeholder has a digit or `@`, so none is ever masked again."""
