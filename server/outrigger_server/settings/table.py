"""The Markdown table of all settings, which the README shows."""

from pydantic.fields import FieldInfo

from outrigger_server.settings.process import environment_names, groups


def settings_table() -> str:
    """Draw the Markdown table of all settings: variable, default, meaning."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for _, group in groups():
        for name, field in group.model_fields.items():
            rows.append(
                f"| {' or '.join(f'`{each}`' for each in environment_names(name))} "
                f"| {shown_default(field)} | {field.description} |"
            )
    return "\n".join(rows)


def shown_default(field: FieldInfo) -> str:
    """What the table shows for a setting that is not given."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "shown_default" in extra:
        return str(extra["shown_default"])
    default = field.get_default()
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
