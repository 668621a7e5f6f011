"""Mutation operators for C: which small changes of a source file are tried.

They work on tokens, so that comments, strings and the spacing stay. A mutant that is not C is refused by the
compiler and does not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tooling.mutate.outcome import Change

_TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\#[^\n]*(?:\\\n[^\n]*)*|_Static_assert[^;]*;)"
    r'|(?P<string>"(?:\\.|[^"\\])*")'
    r"|(?P<character>'(?:\\.|[^'\\])+')"
    r"|(?P<number>\.?\d[\w.]*)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|[<>=!+\-*/%&|^]=|&&|\|\||.)",
    re.DOTALL,
)

_BINARY = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "%": ("/",),
    "&": ("|",),
    "|": ("&",),
    "^": ("|",),
    "<<": (">>",),
    ">>": ("<<",),
    "+=": ("-=",),
    "-=": ("+=",),
    "/=": ("*=",),
    "^=": ("|=",),
    "|=": ("&=",),
    "&=": ("|=",),
}
_UNARY = {"!": ("",), "~": ("",), "-": ("",), "++": ("--",), "--": ("++",)}
_NAMES = {"true": ("false",), "false": ("true",), "break": ("continue",), "continue": ("break",)}
_NO_STATEMENT = {"return", "break", "continue", "goto", "case", "default", "if", "else", "for", "while", "do"}
_DECLARES = {
    "const",
    "static",
    "volatile",
    "struct",
    "enum",
    "union",
    "unsigned",
    "signed",
    "bool",
    "char",
    "int",
}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Edit:
    """Replace source[start:end] by `text`."""

    start: int
    end: int
    text: str

    def applied_to(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]

    def change_of(self, source: str, file: str) -> Change:
        """The lines that the edit touches, before and after."""
        first = source.rfind("\n", 0, self.start) + 1
        last = source.find("\n", self.end)
        last = len(source) if last < 0 else last
        after = source[first : self.start] + self.text + source[self.end : last]
        return Change(
            file, _one_line(source[first:last]), _one_line(after), source.count("\n", 0, self.start) + 1
        )


def edits(source: str) -> list[Edit]:
    """All mutants of a C source, in the order of the file."""
    tokens = tokenise(source)
    found = [*_of_tokens(tokens), *_deletions(tokens)]
    return sorted(found, key=lambda edit: (edit.start, edit.end, edit.text))


def tokenise(source: str) -> list[Token]:
    """The tokens of a C source, without comments, blanks and preprocessor lines."""
    tokens = []
    for match in _TOKEN.finditer(source):
        if match.lastgroup and match.lastgroup != "skip":
            tokens.append(Token(match.lastgroup, match.group(), match.start()))
    return tokens


def _of_tokens(tokens: Sequence[Token]) -> Iterator[Edit]:
    previous: Token | None = None
    for token in tokens:
        for text in _replacements(token, previous):
            yield Edit(token.start, token.end, text)
        previous = token


def _replacements(token: Token, previous: Token | None) -> Sequence[str]:
    if token.kind == "number":
        return _other_numbers(token.text)
    if token.kind == "name":
        return _NAMES.get(token.text, ())
    if token.kind != "sign":
        return ()
    if token.text in ("++", "--") or not _ends_operand(previous):
        return _UNARY.get(token.text, ())
    return _BINARY.get(token.text, ())


def _ends_operand(token: Token | None) -> bool:
    """Whether a sign after this token joins two operands."""
    if token is None or token.text == "return":
        return False
    return token.kind in ("name", "number", "character", "string") or token.text in (")", "]")


def _other_numbers(text: str) -> Sequence[str]:
    """The integer's two neighbours; zero has one, as most integers here are unsigned."""
    match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)", text)
    if match is None:
        return ()
    value, suffix = int(match.group(1), 0), match.group(2)
    return [f"{other}{suffix}" for other in (value + 1, value - 1) if other >= 0]


def _deletions(tokens: Sequence[Token]) -> Iterator[Edit]:
    """Each statement that is an expression, deleted."""
    begin = depth = 0
    for index, token in enumerate(tokens):
        if token.text in ("{", "}", ";") and depth == 0:
            if token.text == ";" and _is_expression(tokens[begin:index]):
                yield Edit(tokens[begin].start, token.start, "")
            begin = index + 1
        elif token.text in ("(", "["):
            depth += 1
        elif token.text in (")", "]"):
            depth -= 1


def _is_expression(statement: Sequence[Token]) -> bool:
    """Whether these tokens are an assignment or a call, not a declaration or a jump."""
    if len(statement) < 2 or statement[0].text in _NO_STATEMENT | _DECLARES:
        return False
    first, second = statement[0], statement[1]
    return not (first.kind == "name" and second.kind == "name") and first.text != "*=" and second.text != ":"


def _one_line(text: str) -> str:
    return " ".join(text.split())
