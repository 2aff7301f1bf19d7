"""musiclab for every user of a JupyterHub: one environment, one store and one set of weights for all of them.

Put it into ``/opt/tljh/config/jupyterhub_config.d/`` (The Littlest JupyterHub reads what lies there), or read it from
any ``jupyterhub_config.py`` with ``load_subconfig``. The folder is the one that ``install.sh`` has made.
"""

import os
from pathlib import Path

SCHOOL = Path(os.environ.get("MUSICLAB_SCHOOL", "/srv/musiclab"))

c = get_config()  # noqa: F821  # JupyterHub brings it
c.Spawner.environment.update(
    {
        "MUSICLAB_CACHE_SHARED": str(SCHOOL / "store"),  # read by all, written by the teacher's account alone
        "MUSICLAB_CACHE_LIMIT": "2GB",  # of each pupil's own results, in their home
        "MUSICLAB_EXCHANGE": str(SCHOOL / "exchange"),  # where the GPU's queue puts what it made
        "MUSICLAB_SCHEDULER": os.environ.get("MUSICLAB_SCHEDULER", "tcp://127.0.0.1:8786"),
        "JUPYTER_PATH": str(SCHOOL / "env" / "share" / "jupyter"),  # the kernel of the shared environment
        "OMP_NUM_THREADS": os.environ.get("MUSICLAB_PUPIL_THREADS", "2"),  # thirty pupils share the cores
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait take the cores of the others
    }
)
