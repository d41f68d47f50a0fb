"""Asks what the UI asks, in process: the code location is loaded here, the queries run on a ground's instance."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

if TYPE_CHECKING:
    from graphene import Schema

STATUSES = """
query Statuses {
  assetNodes {
    assetKey { path }
    assetPartitionStatuses {
      ... on DefaultPartitionStatuses { materializedPartitions failedPartitions unmaterializedPartitions }
    }
    assetChecksOrError {
      ... on AssetChecks {
        checks {
          name
          partitionStatuses {
            ... on AssetCheckDefaultPartitionStatuses {
              succeededPartitions failedPartitions inProgressPartitions skippedPartitions executionFailedPartitions
            }
          }
        }
      }
    }
  }
}
"""
"""For each asset the batches that it is materialized for, and for each of its checks the batches by verdict."""


@contextmanager
def workspace(instance: dg.DagsterInstance) -> Iterator[WorkspaceRequestContext]:
    """Load the code location in this process, as the webserver sees it."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name="leadscout_assets.definitions")
    origin = InProcessCodeLocationOrigin(target, location_name="leadscout")
    with WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin)) as process:
        yield process.create_request_context()


def ask(context: WorkspaceRequestContext, query: str) -> Mapping[str, object]:
    """Return the data that answers a query; a query that fails is an assertion that fails."""
    # The webserver's requests run in such a context as well.
    with partition_loading_context(dynamic_partitions_store=context.instance):
        answer = asyncio.run(_schema().execute_async(query, context_value=context))
    assert answer.errors is None, answer.errors
    assert answer.data is not None
    return answer.data


@cache
def _schema() -> Schema:
    """Return the schema, made once as the webserver does: it takes longer than most queries."""
    from dagster_graphql.schema import create_schema

    return create_schema()
