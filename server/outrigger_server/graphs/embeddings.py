"""Loads what `store.index` of langgraph.json embeds items with."""

from langchain_core.embeddings import Embeddings
from langgraph.store.base import ensure_embeddings

from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.index_spec import IndexSpec
from outrigger_server.graphs.loader import load_object

KEY = "store.index.embed"


def load_embeddings(spec: IndexSpec) -> Embeddings:
    """Make the model of a provider, or import the user's function, sync or async.

    Raises:
        ConfigurationError: There is no such model, function, or package of the provider.
    """
    if spec.place is not None:
        found = load_object(KEY, spec.place)
        if not isinstance(found, Embeddings) and not callable(found):
            fault = f"{KEY}: {spec.embed} is neither a function nor an Embeddings"
            raise ConfigurationError([fault])
        return ensure_embeddings(found)
    from langchain.embeddings import init_embeddings  # slow to import, and rarely needed

    try:
        return init_embeddings(spec.embed)
    except Exception as error:  # providers raise what they like: a missing key, say
        raise ConfigurationError([f"{KEY}: {type(error).__name__}: {error}"]) from error
