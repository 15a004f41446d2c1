"""`Model`: the Seldon component. `seldon-core-microservice switchyard.serving.component.Model` runs it."""

from __future__ import annotations

import logging
import os
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from seldon_core.flask_utils import SeldonMicroserviceException
from seldon_core.proto import prediction_pb2
from seldon_core.utils import json_to_seldon_message, seldon_message_to_json

from switchyard.permissions import keep_private
from switchyard.serving import openapi, wrapper, writer
from switchyard.serving.errors import Refusal
from switchyard.serving.http import Endpoint
from switchyard.serving.predictor import Predictor
from switchyard.serving.settings import Settings

logger = logging.getLogger(__name__)


class Model:
    """Serves one bundle.

    Parameters
    ----------
    **parameters
        Of Seldon's graph; they win over the environment. See `switchyard.serving.settings`.

    Raises
    ------
    SystemExit
        The settings or the bundle are not fit to serve; the message says why.
    """

    def __init__(self, **parameters: Any) -> None:
        keep_private()
        try:
            self.settings = Settings.read(os.environ, parameters)
            self.predictor = Predictor(self.settings)
        except (OSError, ValueError, RuntimeError) as error:
            # RuntimeError is what onnxruntime's errors are.
            raise SystemExit(f"refusing to serve: {error}") from error
        tags = self.predictor.tags
        logger.info("%s version %s, %s: %d examples answered as they must be", *tags.values(), self.predictor.examples)
        wrapper.prepare(self.settings, self.predictor.metrics.text)
        document = openapi.document(self.predictor.signature, tags, self.predictor.example_rows, self.settings)
        self.model_error_handler = wrapper.before_the_stock(lambda stock: Endpoint(self.predictor, stock, document))
        if self.settings.log_url:
            # The wrapper runs it in a process of its own.
            model, most = tags["model"], self.settings.retention_days
            self.custom_service = lambda: writer.run(self.settings, lambda: {model: most} if most else {}, self.predictor.metrics.drain)

    def predict_raw(self, message: Any) -> Any:
        """Answer gRPC; REST goes through `switchyard.serving.http`."""
        return _answered(self.predictor.predict, message)

    def send_feedback_raw(self, message: Any) -> Any:
        """Labels by gRPC."""
        return _answered(self.predictor.feedback, message)

    def health_status_raw(self) -> dict[str, Any]:
        """What is served, or 503 where an answer could not be logged."""
        try:
            return self.predictor.status()
        except Refusal as refusal:
            raise SeldonMicroserviceException(refusal.info, status_code=refusal.status, reason=refusal.reason) from None

    def init_metadata(self) -> dict[str, Any]:
        """Seldon's metadata: name, version, columns, and the digest among the custom fields."""
        return openapi.metadata(self.predictor.signature, self.predictor.tags)


def _answered(act: Any, message: Message) -> Message:
    try:
        try:
            decoded = seldon_message_to_json(message)
            if isinstance(message, prediction_pb2.SeldonMessage) and message.data.HasField("tensor"):
                # As JSON a tensor's NaN would be a text, which is no value of any kind.
                decoded["data"]["tensor"]["values"] = list(message.data.tensor.values)
        except json_format.Error as error:
            raise Refusal(f"the message is not one of Seldon's: {error}", column="body") from None
        return json_to_seldon_message(act(decoded))
    except Refusal as refusal:
        body = refusal.body()["status"]
        return json_to_seldon_message({"status": body})
