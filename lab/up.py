"""`lab up`: from nothing, or from whatever is there, to five nodes that answer."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network

from lab import folder as folders
from lab.apt import Apt, read_host
from lab.catalog import load_images
from lab.engine import ensure_engine
from lab.folder import Folder
from lab.images import BUILDS_AT_ONCE, push_services, start_builds
from lab.left_out import needed, not_wanted
from lab.model import NODES, Lab, Node, free_subnet, lab_id
from lab.networks import ensure_network, networks_in_use
from lab.nodes import ensure_node, read_host_key, wait_ready
from lab.progress import say, step
from lab.public import public_registry_answers
from lab.registry import free_port, start_registry
from lab.remove import remove_objects
from lab.shell import LabError
from lab.stackfile import lab_config, write


def up(folder: Folder) -> Lab:
    """Bring the checkout's lab up; what is there already stays. Raises LabError."""
    unwanted = not_wanted()
    images = needed(load_images(), unwanted)
    ensure_engine()
    new_passphrase = folders.make_keys(folder)
    lab = folders.load(folder) or _begin(folder)
    ensure_network(lab)
    lab = _ask_public_registry(folder, lab)
    apt = read_host()
    with ThreadPoolExecutor(BUILDS_AT_ONCE) as builds:
        made = start_builds(lab, folder, apt, images, builds)
        try:
            lab = _start_nodes(lab, folder, apt, made["node"].result())
            start_registry(lab, made["registry"].result())
            pulled, left_out = push_services(lab, images, made)
        except BaseException:
            builds.shutdown(wait=False, cancel_futures=True)
            raise
    ours = lab_config(lab, pulled, unwanted | left_out)
    write(folder.stack_file, ours, record=folder.stack_record, keep_old=not new_passphrase)
    return lab


def _begin(folder: Folder) -> Lab:
    """Return a new lab. Leftovers of a lab whose .lab folder is gone can't be entered any more: they go."""
    identity = lab_id(folder.checkout)
    for line in remove_objects(identity):
        say(f"left over from a lab without its .lab folder: {line}")
    used: list[IPv4Network] = networks_in_use()
    try:
        lab = Lab(id=identity, subnet=free_subnet(used), push_port=free_port())
    except LookupError as fault:
        raise LabError(f"networks: {fault}; remove networks of labs that are not needed any more") from fault
    folders.save(folder, lab)
    return lab


def _ask_public_registry(folder: Folder, lab: Lab) -> Lab:
    if lab.public_registry is not None:
        return lab
    answers = public_registry_answers()
    say(
        "public image registry: "
        + ("answers" if answers else "no answer; images are made here from packages")
    )
    asked = lab.model_copy(update={"public_registry": answers})
    folders.save(folder, asked)
    return asked


def _start_nodes(lab: Lab, folder: Folder, apt: Apt, image: str) -> Lab:
    with step("nodes: start"), ThreadPoolExecutor(len(NODES)) as pool:
        list(pool.map(lambda node: ensure_node(lab, node, image, folder, apt), NODES))
        keys = dict(pool.map(lambda node: (node.name, read_host_key(lab, node)), NODES))
        lab = lab.model_copy(update={"host_keys": keys})
        folders.save(folder, lab)
        folders.write_ssh_files(folder, lab)

        def wait(node: Node) -> None:
            wait_ready(lab, node, folder)

        list(pool.map(wait, NODES))
    return lab
