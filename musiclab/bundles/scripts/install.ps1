# musiclab for Python @PYTHON@ on @SYSTEM@, with no network:
#   powershell -ExecutionPolicy Bypass -File install.ps1 [-Target FOLDER] [-Python C:\path\to\python.exe]
param([string]$Target = "$HOME\musiclab", [string]$Python = "")
$ErrorActionPreference = "Stop"
$here = Split-Path -Parent $MyInvocation.MyCommand.Path
$version = "import sys; print('%d.%d' % sys.version_info[:2])"
if ($Python) { $run = @($Python) } else { $run = @("py", "-@PYTHON@") }
$rest = @($run | Select-Object -Skip 1)
try { $found = & $run[0] @rest -c $version } catch { $found = "" }
if ($found -ne "@PYTHON@") {
    Write-Error "This bundle needs Python @PYTHON@: install it, or name it with -Python."
}
Write-Host "Checking the files."
foreach ($line in Get-Content -Encoding UTF8 "$here\SHA256SUMS") {
    $sum, $name = $line -split "  ", 2
    if ((Get-FileHash -Algorithm SHA256 -LiteralPath (Join-Path $here $name)).Hash -ne $sum) {
        Write-Error "The bundle is damaged ($name): copy it again."
    }
}
Write-Host "Installing into ${Target}: some minutes."
& $run[0] @rest -m venv $Target
& "$Target\Scripts\python.exe" -m pip install --quiet --disable-pip-version-check --no-compile --no-index `
    --find-links "$here\wheels" "@WANTED@"
if ($LASTEXITCODE -ne 0) { Write-Error "pip could not install musiclab: see above." }
foreach ($part in "store", "songs") {
    if (Test-Path "$here\$part") { Copy-Item -Recurse -Force "$here\$part" $Target }
}
@"
@echo off
rem musiclab, with the weights that came with it
set MUSICLAB_CACHE_SHARED=$Target\store;%MUSICLAB_CACHE_SHARED%
"$Target\Scripts\musiclab.exe" %*
"@ | Set-Content -Encoding ASCII "$Target\musiclab.bat"
Write-Host "Done. The lessons: $Target\musiclab.bat lab      A first song: $Target\musiclab.bat demo"
