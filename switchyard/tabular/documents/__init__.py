"""What a team wants to read about a model, written from the run's artifacts: problem, data, requirements, model card."""

from switchyard.tabular.documents.documents import NAMES_OF_DOCUMENTS, Documents, write_documents
from switchyard.tabular.documents.inputs import Measured, ModelFacts, RunRecord, SplitFacts, Versions

__all__ = ["NAMES_OF_DOCUMENTS", "Documents", "Measured", "ModelFacts", "RunRecord", "SplitFacts", "Versions", "write_documents"]
