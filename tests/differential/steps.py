"""A program is a list of steps, each one statement whose arguments can be left out one by one when a failing program is shrunk."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Step:
    """`target = function(*positional, **keywords)suffix`, all of it source text."""

    target: str
    function: str
    positional: tuple = ()
    keywords: tuple = ()
    suffix: str = ""

    def source(self) -> str:
        arguments = [*self.positional, *(f"{name}={value}" for name, value in self.keywords)]
        call = f"{self.function}({', '.join(arguments)}){self.suffix}"
        return f"{self.target} = {call}" if self.target else call

    def smaller(self):
        """The step with one keyword less, for each keyword."""
        for i in range(len(self.keywords)):
            yield dataclasses.replace(self, keywords=self.keywords[:i] + self.keywords[i + 1 :])


@dataclasses.dataclass(frozen=True)
class Line:
    """A statement that shrinks only as a whole; `target` names what it assigns ("" for none)."""

    target: str
    text: str

    def source(self) -> str:
        return self.text

    def smaller(self):
        return iter(())


def call(target, function, *positional, suffix="", **keywords) -> Step:
    return Step(target, function, positional, tuple(keywords.items()), suffix)


class Chooser:
    """Random choices of a seeded program. `wrong` is the share of choices that are deliberately bad arguments."""

    def __init__(self, rng, wrong=0.02):
        self.rng, self.wrong = rng, wrong

    def one(self, choices):
        return self.rng.choice(choices)

    def maybe(self, share) -> bool:
        return self.rng.random() < share

    def arguments(self, table, share=0.35) -> dict:
        """Some of the keywords of `table`, {name: source texts}; the texts after an Ellipsis are wrong ones, drawn seldom."""
        chosen = {}
        for name, texts in table.items():
            right, wrong = split(texts)
            if wrong and self.maybe(self.wrong):
                chosen[name] = self.one(wrong)
            elif right and self.maybe(share):
                chosen[name] = self.one(right)
        return chosen


def split(texts):
    texts = list(texts)
    if ... not in texts:
        return texts, []
    at = texts.index(...)
    return texts[:at], texts[at + 1 :]
