#!/usr/bin/env python3
"""A stand-in for the services that no emulator has: Rekognition's DetectModerationLabels, IVS, IVS Chat.

    standin.py [--port 5700]          without a port it takes a free one; the first line it prints is its address

Wire protocol, checks of requests and answers, and the statuses of errors come from the services' own models (botocore).
An endpoint is the address and the name of a stage, `http://127.0.0.1:5700/mine`: a stage is a world of its own, made
when it is first named. Control, below a stage:

    POST   _standin/script    more settings (services.SETTINGS); answers all of them
    GET    _standin/calls     every call so far: operation, request, status, error, fault, milliseconds
    DELETE _standin/calls     the same, and forgets them
    GET    _standin/under_way the calls that are in and neither answered nor given up by whoever made them

It ends when its standard input does (--follow-stdin), so that it never outlives the test program that started it.
"""

import argparse
import json
import os
import re
import select
import socket
import struct
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from botocore.loaders import Loader
from botocore.model import ServiceModel

import model
import services
from services import AwsError, Stage

MODELS = {name: ServiceModel(Loader().load_service_model(name, "service-2"), name) for name in services.SERVICES}
RECORDED_BYTES_MAX = 4000  # of one member of a request, as shown among the calls

STAGES, STAGES_LOCK = {}, threading.Lock()


def stage_of(name):
    with STAGES_LOCK:
        return STAGES.setdefault(name, Stage())


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "standin"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        _, name, *rest = urlsplit(self.path).path.split("/", 2)
        stage, path = stage_of(name), "/" + "".join(rest)
        if path.startswith("/_standin/"):
            self.control(stage, path.removeprefix("/_standin/"), body)
        else:
            self.call(stage, path, body)

    do_GET = do_POST = do_PUT = do_DELETE = answer_any

    def control(self, stage, what, body):
        try:
            if what == "calls":
                with stage.lock:
                    calls = list(stage.calls)
                    if self.command == "DELETE":
                        stage.calls.clear()
                self.send(200, calls)
            elif what == "under_way":
                with stage.lock:
                    calls = [dict(call) for call in stage.under_way]
                self.send(200, calls)
            elif what == "script":
                stage.script(json.loads(body))
                self.send(200, {**stage.settings, "channels": stage.channels})
            else:
                self.send(404, {"error": f"no control {what!r}"})
        except (AwsError, ValueError, KeyError, AttributeError) as error:
            self.send(400, {"error": str(error)})

    def call(self, stage, path, body):
        begun = time.time()
        record = {"t": begun, "op": path, "status": 0}
        service = None
        with stage.lock:
            stage.under_way.append(record)
        try:
            service, operation = self.operation(path)
            record["op"] = f"{service}.{operation}"
            self.perform(stage, service, operation, body, record)
        except AwsError as error:
            record["error"] = error.code
            record["status"] = self.fail(MODELS.get(service), error)
        except (BrokenPipeError, ConnectionResetError):
            record["error"] = "client went away"
            self.close_connection = True
        finally:
            record["ms"] = round((time.time() - begun) * 1000, 1)
            with stage.lock:
                stage.under_way = [call for call in stage.under_way if call is not record]
                stage.calls.append(record)

    def operation(self, path):
        """Which service and operation is called, as its protocol says it."""
        target = self.headers.get("X-Amz-Target")
        if target:
            prefix, _, operation = target.partition(".")
            for name, described in MODELS.items():
                if described.metadata.get("targetPrefix") == prefix and operation in described.operation_names:
                    return name, operation
            raise AwsError("UnknownOperationException", target, 400)
        scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers.get("Authorization", ""))
        service = scope and scope[1]
        if service not in MODELS:
            raise AwsError("MissingAuthenticationToken", f"no signature for a service known here: {service!r}", 403)
        for operation in MODELS[service].operation_names:
            http = MODELS[service].operation_model(operation).http
            if http["method"] == self.command and http["requestUri"] == path:
                return service, operation
        raise AwsError("UnknownOperationException", path, 404)

    def perform(self, stage, service, operation, body, record):
        described = MODELS[service]
        about = described.operation_model(operation)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            raise AwsError("SerializationException", "malformed JSON", 400) from None
        record["request"] = {
            key: value if len(json.dumps(value)) < RECORDED_BYTES_MAX else "<big>" for key, value in request.items()
        }
        self.check_signature(described)
        wrong = model.findings(about.input_shape, request, operation) if about.input_shape is not None else []
        if wrong:
            record["invalid"] = wrong
            code = "InvalidParameterException" if service == "rekognition" else "ValidationException"
            raise AwsError(code, "; ".join(wrong), 400)
        time.sleep(stage.latency_s(record["op"]))
        fault = stage.fault(record["op"], request)
        if fault:
            record["fault"] = fault["kind"]
            if self.break_down(fault):
                return
        with stage.lock:
            over = stage.is_over_quota(record["op"])
        if over:
            record["fault"] = "tps"
            raise AwsError(throttle_code(service), "Rate exceeded")
        if service == "rekognition":  # may fetch an object: not under the lock
            answer = stage.settings["answer"] or services.rekognition(stage, operation, request)
        else:
            with stage.lock:
                answer = services.SERVICES[service](stage, operation, request)
        if about.output_shape is not None and not stage.settings["answer"]:
            wrong = model.findings(about.output_shape, answer, operation + "Response")
            if wrong:
                raise AwsError("BadScript", "the answer breaks the model: " + "; ".join(wrong), 500)
        if fault and fault["kind"] == "lost":  # it was done, and nobody hears of it
            record["response"] = answer
            self.reset()
            return
        record["status"] = about.http.get("responseCode", 200)
        record["response"] = answer
        self.send(record["status"], answer, kind=content_type(described))

    def check_signature(self, described):
        signed = described.metadata.get("signingName") or described.metadata["endpointPrefix"]
        authorization = self.headers.get("Authorization", "")
        if not authorization.startswith("AWS4-HMAC-SHA256 ") or f"/{signed}/aws4_request" not in authorization:
            raise AwsError("MissingAuthenticationToken", "no signature for service " + signed, 403)

    def break_down(self, fault):
        """Does as the fault says. Whether the call has ended with that; if not it goes on as if nothing were."""
        kind = fault["kind"]
        if kind == "throttle":
            code = "ProvisionedThroughputExceededException" if fault.get("provisioned") else "ThrottlingException"
            raise AwsError(code, "Rate exceeded")
        if kind == "error":
            raise AwsError(fault.get("code", "InternalServerError"), fault.get("message", "injected"), fault.get("status"))
        if kind == "lost":
            return False
        if kind == "latency":
            time.sleep(fault.get("ms", 1000) / 1000)
            return False
        if kind == "hang":
            self.wait_while_asked(fault.get("s", 30))
            self.reset()
        elif kind == "reset":
            self.reset()
        elif kind == "malformed":
            self.send(200, b'{"ModerationLabels": [{"Name": ')
        elif kind == "html":
            self.send(502, b"<html><body>502 Bad Gateway</body></html>", kind="text/html")
        elif kind == "truncate":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"ModerationLabels"')
            self.wfile.flush()
            self.reset()
        elif kind == "answer":
            self.send(200, fault["body"])
        else:
            raise AwsError("BadScript", f"unknown fault {kind!r}", 500)
        return True

    def wait_while_asked(self, seconds):
        """Waits for so long, or until whoever asked is gone: nothing more is sent before an answer, so that can be read."""
        gone, _, _ = select.select([self.connection], [], [], seconds)
        if gone:
            raise ConnectionResetError

    def fail(self, described, error):
        """Answers an error as the service's protocol does; its status is the model's unless the script says another."""
        is_json_1_1 = described is not None and described.metadata["protocol"] == "json"
        modelled = described is not None and error.code in described.shape_names
        status = error.status
        if status is None and modelled:
            status = (described.shape_for(error.code).metadata.get("error") or {}).get("httpStatusCode")
        if status is None:
            unmodelled = {"InternalServerError": 500, "InternalFailure": 500, "ServiceUnavailable": 503}
            status = unmodelled.get(error.code) or (429 if error.code == "ThrottlingException" and not is_json_1_1 else 400)
        if is_json_1_1:
            body = {"__type": error.code, "Message": error.message}
        else:
            body = {"exceptionMessage" if described is MODELS["ivs"] and modelled else "message": error.message}
        self.send(status, body, {"x-amzn-ErrorType": error.code}, content_type(described))
        return status

    def send(self, status, body, headers=None, kind="application/json"):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        headers = {"Content-Type": kind, "x-amzn-RequestId": str(uuid.uuid4()), **(headers or {})}
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)
        self.wfile.flush()

    def reset(self):
        """Drops the connection so that the other end sees it reset, not closed."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.wfile = open(os.devnull, "wb")
        self.connection.close()


def throttle_code(service):
    return "ProvisionedThroughputExceededException" if service == "rekognition" else "ThrottlingException"


def content_type(described):
    is_json_1_1 = described is not None and described.metadata["protocol"] == "json"
    return "application/x-amz-json-1.1" if is_json_1_1 else "application/json"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True


def end_with_stdin():
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--follow-stdin", action="store_true")
    arguments = arguments.parse_args()
    if arguments.follow_stdin:
        threading.Thread(target=end_with_stdin, daemon=True).start()
    server = Server(("127.0.0.1", arguments.port), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
