"""The screen and the strict reading, guard by guard, and the proof that no guard is idle."""

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from lxml import etree

from idpsync.core.errors import AssertionRejected
from idpsync.jit.saml import checks, screen
from tests.jit.forge import ACS, AUDIENCE, IDP, NOW, REQUEST, SAML, Draft, Element, sign, tree
from tests.jit.shapes import READ, SCREEN, signed_tree

EXPECTED = checks.Expectation(
    issuer=IDP, audience=AUDIENCE, acs_url=ACS, request_id=REQUEST, now=NOW, skew=timedelta(seconds=60)
)


def test_an_honest_tree_passes_the_screen_and_is_read() -> None:
    root = signed_tree()
    screen.screen(root, screen.PLAIN)
    assert checks.read_assertion(root, EXPECTED).name_id == "Ada@acme.example"


@pytest.mark.parametrize("name", SCREEN)
def test_the_screen_refuses(name: str) -> None:
    root = signed_tree()
    SCREEN[name].change(root)
    with pytest.raises(AssertionRejected, match=SCREEN[name].reason):
        screen.screen(root, screen.PLAIN)


@pytest.mark.parametrize("name", READ)
def test_the_reading_refuses(name: str) -> None:
    with pytest.raises(AssertionRejected, match=READ[name].reason):
        checks.read_assertion(signed_tree(READ[name].draft), EXPECTED)


def test_the_screen_wants_a_response() -> None:
    with pytest.raises(AssertionRejected, match="not a Response"):
        screen.screen(etree.fromstring(Draft().assertion_xml()), screen.PLAIN)


def test_an_unsigned_assertion_is_not_read() -> None:
    with pytest.raises(AssertionRejected, match="itself is not signed"):
        checks.read_assertion(tree(Draft()), EXPECTED)


def test_a_signed_response_needs_a_destination() -> None:
    root = tree(Draft().but(destination=None))
    sign(root)
    sign(root, ".")
    with pytest.raises(AssertionRejected, match="no Destination"):
        checks.read_assertion(root, EXPECTED)


def test_an_unsigned_response_needs_none() -> None:
    root = signed_tree(Draft().but(destination=None))
    assert checks.read_assertion(root, EXPECTED).issuer == IDP


@pytest.mark.parametrize("value", ["2026-03-02T09:05:00", "soon", ""])
def test_a_time_that_is_no_instant_is_refused(value: str) -> None:
    root = signed_tree()
    root.find(f".//{{{SAML}}}Conditions").set("NotOnOrAfter", value)
    with pytest.raises(AssertionRejected, match=r"time zone|not an instant"):
        checks.read_assertion(root, EXPECTED)


def test_two_subjects_are_refused() -> None:
    root = signed_tree()
    subject = root.find(f".//{{{SAML}}}Subject")
    subject.addnext(etree.fromstring(etree.tostring(subject)))
    with pytest.raises(AssertionRejected, match="2 Subject elements"):
        checks.read_assertion(root, EXPECTED)


def test_an_unasked_login_must_answer_nothing() -> None:
    unasked = checks.Expectation(
        issuer=IDP, audience=AUDIENCE, acs_url=ACS, request_id=None, now=NOW, skew=timedelta()
    )
    silent = Draft().but(in_response_to=None, response_in_response_to=None)
    assert checks.read_assertion(signed_tree(silent), unasked).issuer == IDP
    with pytest.raises(AssertionRejected, match="answers another request"):
        checks.read_assertion(signed_tree(Draft()), unasked)
    with pytest.raises(AssertionRejected, match="answers another request"):
        checks.read_assertion(signed_tree(silent.but(response_in_response_to=REQUEST)), unasked)


def test_repeated_attributes_add_up_and_comments_do_not_cut() -> None:
    draft = Draft().but(
        raw_attributes='<saml:Attribute Name="groups"><saml:AttributeValue>More</saml:AttributeValue>'
        "</saml:Attribute>"
    )
    read = checks.read_assertion(signed_tree(draft), EXPECTED)
    assert read.attributes["groups"] == ("Claude Premium", "All Staff", "More")


# --- no guard is idle: remove one, and a case above is no longer refused for its reason ----------------


def _guards(module: ModuleType) -> Iterator[tuple[int, str]]:
    """Every place that refuses: its line, and its words."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and "AssertionRejected" in ast.unparse(node):
            yield node.lineno, ast.unparse(node)


class _Without(ast.NodeTransformer):
    def __init__(self, line: int) -> None:
        self.line = line

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        return ast.copy_location(ast.Pass(), node) if node.lineno == self.line else node


def _mutant(module: ModuleType, line: int) -> ModuleType:
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    mutated = ast.fix_missing_locations(_Without(line).visit(ast.parse(source)))
    mutant = ModuleType(f"{module.__name__}_without_line_{line}")
    # dataclasses look their module up by name while a class is made
    mutant.__dict__["__name__"] = module.__name__
    exec(compile(mutated, str(module.__file__), "exec"), mutant.__dict__)
    return mutant


def _outcome(act: Callable[[], object]) -> str:
    try:
        act()
    except AssertionRejected as error:
        return error.reason
    except (TypeError, LookupError, AttributeError, ValueError, NameError) as error:
        return f"broken: {type(error).__name__}"
    return "accepted"


def _screen_outcomes(module: ModuleType) -> list[str]:
    def case(name: str) -> Callable[[], object]:
        root = signed_tree()
        SCREEN[name].change(root)
        return lambda: module.screen(root, module.PLAIN)

    assertion = etree.fromstring(Draft().assertion_xml())
    return [_outcome(case(name)) for name in SCREEN] + [
        _outcome(lambda: module.screen(assertion, module.PLAIN))
    ]


def _read_trees() -> Iterator[Element]:
    yield from (signed_tree(said.draft) for said in READ.values())
    yield tree(Draft())
    both = tree(Draft().but(destination=None))
    sign(both)
    sign(both, ".")
    yield both
    for value in ("2026-03-02T09:05:00", "soon"):
        root = signed_tree()
        root.find(f".//{{{SAML}}}Conditions").set("NotOnOrAfter", value)
        yield root
    root = signed_tree()
    subject = root.find(f".//{{{SAML}}}Subject")
    subject.addnext(etree.fromstring(etree.tostring(subject)))
    yield root


def _read_outcomes(module: ModuleType) -> list[str]:
    return [_outcome(lambda root=root: module.read_assertion(root, EXPECTED)) for root in _read_trees()]  # type: ignore[misc]


UNREACHABLE = "stands alone"
"""For the type checker: every element that is looked at there has a parent."""


@pytest.mark.parametrize(("line", "words"), list(_guards(screen)))
def test_no_guard_of_the_screen_is_idle(line: int, words: str) -> None:
    if UNREACHABLE in words:
        return
    assert _screen_outcomes(_mutant(screen, line)) != _screen_outcomes(screen)


@pytest.mark.parametrize(("line", "words"), list(_guards(checks)))
def test_no_guard_of_the_reading_is_idle(line: int, words: str) -> None:
    assert _read_outcomes(_mutant(checks, line)) != _read_outcomes(checks)
