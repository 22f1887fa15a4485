"""What a plugin answers, in the messages of Pulumi's protocol."""

import grpc

from lab.plugins.resource import Diff, Failure, InitFailedError
from lab.plugins.stubs import provider_pb2, status_pb2
from lab.plugins.values import Props, to_struct


def check_response(inputs: Props, failures: list[Failure]) -> provider_pb2.CheckResponse:
    """Inputs with their defaults, and their faults."""
    faults = [provider_pb2.CheckFailure(property=fault.property, reason=fault.reason) for fault in failures]
    return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=faults)


def diff_response(diff: Diff) -> provider_pb2.DiffResponse:
    """Changes by path, and the top-level properties that they belong to."""
    heads = {path: path.split(".")[0].split("[")[0] for path in diff.detailed}
    some = provider_pb2.DiffResponse.DIFF_SOME if diff.detailed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some,
        diffs=sorted(set(heads.values())),
        replaces=sorted({heads[path] for path, kind in diff.detailed.items() if kind.endswith("-replace")}),
        detailedDiff={path: _property_diff(kind) for path, kind in diff.detailed.items()},
        hasDetailedDiff=True,
        deleteBeforeReplace=diff.delete_before_replace,
    )


def _property_diff(kind: str) -> provider_pb2.PropertyDiff:
    return provider_pb2.PropertyDiff(
        kind=provider_pb2.PropertyDiff.Kind.Value(kind.upper().replace("-", "_"))
    )


def partial_state(error: InitFailedError) -> bytes:
    """A half-made object, in the form that gRPC carries beside a status (google.rpc.Status)."""
    partial = provider_pb2.ErrorResourceInitFailed(
        id=error.id,
        properties=to_struct(error.outputs),
        reasons=[str(error)],
        inputs=to_struct(error.inputs or {}),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(partial)
    return bytes(status.SerializeToString())
