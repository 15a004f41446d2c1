"""Records as serving writes them."""

from switchyard.predictionlog import prediction_record

ORIGIN = {"model": "loans", "version": "3", "digest": "sha256:" + "0" * 64, "role": "live"}


def record(request_id, rows=1, moment=1_700_000_000.0, entities=None, events=None, origin=ORIGIN, exclude=frozenset()):
    """A journal entry of a binary model with columns age and job."""
    probabilities = [{"no": 0.25, "yes": 0.75}] * rows
    return prediction_record(
        request_id=request_id,
        origin=origin,
        inputs={"age": list(range(30, 30 + rows)), "job": ["clerk"] * rows},
        answers={"label": ["yes"] * rows, "probabilities": probabilities, "prediction": None, "lower": None, "upper": None},
        entity_ids=entities,
        event_times=events,
        exclude=exclude,
        moment=moment,
    )
