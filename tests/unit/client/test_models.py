"""The client's results have every field that the service shows, and take words that they do not know."""

from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from writeback.api import models
from writeback.api.batches import models as batch_models
from writeback.api.corrections import models as mending_models
from writeback.api.schools import feature_models, registry_models
from writeback.domain import messages
from writeback.flow.engine import hook_urls
from writeback.flow.registry import views as school_views
from writeback.flow.schools import discovery, list_sync, sync
from writeback.flow.webhooks import views as webhook_views
from writeback_client.models import access, base, batches, schools, webhooks, writebacks

PAIRS: list[tuple[type[BaseModel], Any]] = [
    (base.Finding, models.FindingOut),
    (base.Finding, messages.FindingMessage),
    (writebacks.Writeback, models.SubmissionAnswer),
    (writebacks.Writeback, models.WritebackDetailOut),
    (writebacks.Record, models.AnsweredRecord),
    (writebacks.Record, models.RecordOut),
    (writebacks.Comparison, models.ComparisonOut),
    (writebacks.TimelineEntry, models.EventOut),
    (writebacks.ProviderRequest, models.RequestOut),
    (writebacks.Attempt, models.AttemptOut),
    (writebacks.Mending, models.MendingOut),
    (writebacks.MendingOfRecord, models.MendedRecordOut),
    (writebacks.Event, messages.EventMessage),
    (writebacks.Mended, mending_models.MendedOut),
    (writebacks.MendedRecord, mending_models.MendedRecord),
    (writebacks.Report, mending_models.ReportOut),
    (writebacks.Done, mending_models.DoneOut),
    (writebacks.NotDone, mending_models.NotDoneOut),
    (writebacks.Count, mending_models.CountOut),
    (access.AuditEntry, mending_models.AuditOut),
    (access.Key, registry_models.KeyOut),
    (access.NewKey, registry_models.NewKeyOut),
    (access.Hook, hook_urls.AccountHook),
    (access.Ready, models.Ready),
    (schools.School, school_views.SchoolView),
    (schools.Hold, school_views.HoldView),
    (schools.CachedList, school_views.ListView),
    (schools.HeldBack, school_views.HeldBackView),
    (schools.Synced, sync.SyncReport),
    (schools.SyncedList, list_sync.ListSync),
    (schools.ListedSchool, discovery.ListedSchool),
    (schools.RuleSet, feature_models.RuleSet),
    (schools.Features, feature_models.SchoolFeatures),
    (schools.KindFeatures, feature_models.KindFeatures),
    (schools.Field, feature_models.FieldOut),
    (schools.Choice, feature_models.ChoiceOut),
    (schools.Permission, feature_models.PermissionOut),
    (webhooks.Webhook, webhook_views.WebhookView),
    (webhooks.NewWebhook, webhook_views.NewWebhookView),
    (webhooks.Disabled, webhook_views.DisabledView),
    (webhooks.Delivery, webhook_views.DeliveryView),
    (webhooks.ToldWriteback, messages.ToldWriteback),
    (webhooks.ToldRecord, messages.ToldRecord),
    (webhooks.ToldFinding, messages.ToldFinding),
    (batches.Batch, batch_models.BatchAnswer),
    (batches.Batch, batch_models.BatchOut),
    (batches.RowCounts, batch_models.RowCountsOut),
    (batches.WritebackCounts, batch_models.WritebackCountsOut),
    (batches.RowProblem, batch_models.ProblemCountOut),
]


def _names(shown: Any) -> set[str]:
    return {field.name for field in fields(shown)} if is_dataclass(shown) else set(shown.model_fields)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda model: model.__name__)
def test_every_field_that_is_shown_has_a_name_here(ours: type[BaseModel], theirs: Any) -> None:
    unnamed = _names(theirs) - set(ours.model_fields)

    assert not unnamed, f"give {ours.__name__} of the client these fields, with defaults for older services"


@pytest.mark.parametrize(("word", "kind"), [("confirmed", "Status"), ("paused", "str")])
def test_a_known_status_is_one_and_another_stays_a_word(word: str, kind: str) -> None:
    given = {"id": "wb_1", "status": word, "school": "hillside", "kind": "attendance.session"}

    for found in (
        writebacks.Writeback(**given),
        writebacks.Writeback.model_validate_json(writebacks.Writeback(**given).model_dump_json()),
    ):
        assert type(found.status).__name__ == kind
        assert found.status == word


def test_results_cannot_be_changed() -> None:
    found = writebacks.Writeback(id="wb_1", status="queued", school="hillside", kind="attendance.session")

    with pytest.raises(ValueError, match="frozen"):
        found.status = "confirmed"  # type: ignore[misc] # what a user may try
