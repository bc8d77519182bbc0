"""A bundle's model card as Markdown, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onboard.cli.card_tables import NOTHING, accuracy, denoised, mineral, number, plain, table

Row = Mapping[str, Any]
GATE_SCORES = {"methane_f1": "methane F1", "methane_auprc": "methane AUPRC", "mineral_f1": "mineral macro F1"}


def markdown(card: Row) -> str:
    """Return a model card as Markdown.

    Args:
        card: What ``onboard.flight.card.read_card`` returned.
    """
    sections = {
        "": _head,
        "What for": _uses,
        "Known failures and limits": _limits,
        "Input and outputs": _data,
        "Networks": _networks,
        "Training": _training,
        "Thresholds that fly": _thresholds,
        "Accuracy": lambda card: accuracy(card["accuracy"]),
        "Noise taken off": _denoiser,
        "Calibration": _calibration,
        "Number format": _precision,
        "Licence": _licence,
        "Made of": _provenance,
        "How to make it again": _commands,
    }
    blocks: list[str] = []
    for title, section in sections.items():
        found = list(section(card))
        if found:
            blocks += [f"## {title}"] if title else []
            blocks += found
    return "\n\n".join(blocks)


def _head(card: Row) -> Iterator[str]:
    bundle = card["bundle"]
    yield f"# {bundle['name']} {bundle['version']}"
    yield card["description"]
    rows = [["sensor", bundle["sensor"].upper()], ["sequence", str(bundle["sequence"])]]
    rows += [["made", bundle["created"]], ["body computes in", bundle["precision"]]]
    rows += [[name, f"sha256 {digest}"] for name, digest in card["parts"].items()]
    yield table(["bundle", ""], rows, left=2)


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _uses(card: Row) -> Iterator[str]:
    yield "Meant for:"
    yield _bullets(card["uses"]["intended"])
    yield "Not for:"
    yield _bullets(card["uses"]["not_for"])


def _data(card: Row) -> Iterator[str]:
    given = card["input"]
    low, high = given["wavelength_nm"]
    thin, wide = given["fwhm_nm"]
    yield (
        f"In: {given['quantity']} in {given['unit']}, {given['type']}, {given['layout']}; "
        f"{given['bands']} bands, {low:.0f} to {high:.0f} nm, FWHM {thin:.1f} to {wide:.1f} nm. "
        f"The matched filter takes {given['matched_filter_bands']} of them."
    )
    for product, ranges in given["required_nm"].items():
        spans = " and ".join(f"{a:g} to {b:g} nm" for a, b in ranges)
        yield f"A capture without bands in {spans} has no {product}."
    rows = [
        [f"`{item['name']}`", item.get("product", "always"), item["unit"], item["type"], item["meaning"]]
        for item in card["outputs"]
    ]
    yield table(["output", "product", "unit", "type", "what"], rows, left=5)


def _networks(card: Row) -> Iterator[str]:
    network, denoiser = card["network"], card["denoiser"]
    sizes = network["parameters"]
    yield (
        f"`{network['architecture']}`, {sizes['as_trained']:,} parameters as trained, "
        f"{sizes['of_them_body']:,} of them in the body; strips of {network['strip_lines']} lines with "
        f"{network['halo_lines']} lines of context on either side."
    )
    yield "Settings: " + ", ".join(f"{name} {value}" for name, value in network["settings"].items()) + "."
    if denoiser is not None:
        lines, samples = denoiser["window"]
        yield (
            f"`{denoiser['architecture']}`, {denoiser['parameters']:,} parameters, "
            f"{denoiser['bands']} bands, windows of {lines} x {samples} pixels."
        )
    costs = {name.replace("_", " "): macs for name, macs in network["macs_a_pixel"].items()}
    if denoiser is not None:
        costs["denoiser"] = denoiser["macs_a_pixel"]
        costs["all three"] = costs["methane and minerals"] + denoiser["macs_a_pixel"]
    yield table(
        ["multiplications with addition", "kMAC a pixel"],
        [[name, number(macs / 1000.0)] for name, macs in costs.items()],
    )


def _training(card: Row) -> Iterator[str]:
    training = card["training"]
    rows = [[name.replace("_", " "), plain(value)] for name, value in training["recipe"].items()]
    seen = training["samples_seen"]
    rows.append(["samples seen", NOTHING if seen is None else f"{seen:,}"])
    patches = training["patches"]
    if patches:
        sets = ", ".join(f"{patches[name]} {name}" for name in ("train", "validation", "test"))
        rows.append(["scenes", f"{sets}; patches a scene: {patches['windows']}"])
        rows.append(["patch", f"{patches['lines']} lines x {patches['samples']} samples"])
        rows.append(["first seed of scenes", plain(patches["seed"])])
    rows += [["data set", f"{item['name']}, share {item['share']}"] for item in training["data"]]
    # Cards of older bundles know of the last run alone.
    if training.get("seconds") is not None:
        rows.append(["training, minutes of all runs", number(training["seconds"] / 60.0, 1)])
    for name, seconds in (training["seconds_of_last_run"] or {}).items():
        rows.append([f"{name}, minutes of the last run", number(seconds / 60.0, 1)])
    rows.append(["finished", training["finished"]])
    yield table(["methane and minerals", ""], rows, left=2)
    if training["scenes"]:
        yield f"Scenes: {training['scenes']}. Library: {training['library']}."
    denoiser = training.get("denoiser")
    if denoiser:
        both = {**denoiser["recipe"], **denoiser["report"]}
        rows = [[name.replace("_", " "), plain(value)] for name, value in both.items()]
        yield table(["denoiser", ""], rows, left=2)


def _denoiser(card: Row) -> Iterator[str]:
    if card["denoiser"] is not None:
        # Cards of older bundles tell of its size alone.
        yield from denoised(card["denoiser"].get("accuracy") or [])


def _thresholds(card: Row) -> Iterator[str]:
    rows = [[mineral(row["name"]), f"{row['value']:g}", row["chosen_for"]] for row in card["thresholds"]]
    # The value's column is short; left, as the reasons beside it.
    yield table(["threshold", "value", "chosen for"], rows, left=3)


def _calibration(card: Row) -> Iterator[str]:
    section = card["calibration"]
    line = section["line"]
    yield f"{line[0].upper()}{line[1:]}." if line else "Probabilities are as the network says them."
    rows = [
        [
            f"{row['on']}, {row['set']}", row["of"], number(row["ece"], 4), number(row["ece_in_doubt"], 3),
            number(row["said"], 4), number(row["true"], 4),
        ]
        for row in section["measured"]
    ]  # fmt: skip
    if rows:
        doubt = section["measured"][0]["in_doubt_from"]
        head = ["set", "probability of", "ECE", f"ECE where >= {doubt:g}", "mean said", "share true"]
        yield table(head, rows, left=2)


def _precision(card: Row) -> Iterator[str]:
    section = card["precision"]
    sizes = ", ".join(f"{name} {size:,} bytes" for name, size in section["bytes"].items())
    rest = f"stem {section['stem']}, matched filter {section['matched_filter']}"
    yield f"Body {section['body']} ({sizes}), {rest}."
    gate = section["gate"]
    if gate is None:
        return
    calibration = section["calibration_set"] or {}
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in calibration.items())
    tuned = section["fine_tuning"]
    yield f"Calibration set: {told}. Fine-tuning: {'none' if tuned is None else plain(tuned)}."
    yield from _verdict(gate, section["body"], section["gate_note"])
    # Cards of older bundles know one gate alone.
    if section.get("benchmark_gate"):
        yield from _verdict(section["benchmark_gate"], section["body"], "Both bundles were flown whole.")


def _verdict(gate: Row, body: str, note: str) -> Iterator[str]:
    exact, found = gate.get("float32") or {}, gate.get("quantized") or {}
    lost, allowed = gate.get("lost") or {}, gate.get("allowed") or {}
    rows = [
        [
            GATE_SCORES.get(name, name),
            number(exact[name], 4),
            number(found.get(name), 4),
            number(lost.get(name), 4),
            number(allowed.get(name), 3),
        ]
        for name in exact
    ]
    if rows:
        verdict = "passed" if gate["passed"] else "NOT passed"
        yield f"The gate, on {gate['judged_on']}: {verdict}. {note}"
        yield table(["score", "float32", body, "lost", "allowed"], rows)


def _limits(card: Row) -> Iterator[str]:
    limits = card["limits"]
    yield _bullets(limits["standing"])
    if limits["measured"]:
        for source in dict.fromkeys(row["from"] for row in limits["measured"]):
            yield f"{source}:"
            yield _bullets([row["says"] for row in limits["measured"] if row["from"] == source])


def _licence(card: Row) -> Iterator[str]:
    licence = card["licence"]
    yield f"{licence['project']}. Weights: {licence['weights']}. Data: {licence['data']}."


def _provenance(card: Row) -> Iterator[str]:
    made = card["provenance"]
    commit = made["commit"]
    state = " with changes that were not committed" if made["changed"] else ""
    where = f"commit {commit}{state}" if commit else "no commit known"
    rows = [["package", f"{made['package']} {made['version']}, {where}"], ["Python", made["python"]]]
    rows += [[name, plain(version)] for name, version in made["libraries"].items()]
    yield table(["built with", ""], rows, left=2)


def _commands(card: Row) -> Iterator[str]:
    yield "```\n" + "\n".join(card["reproduce"]) + "\n```"
