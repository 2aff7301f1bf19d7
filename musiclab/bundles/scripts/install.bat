@echo off
rem Windows: a double click installs musiclab
powershell -ExecutionPolicy Bypass -File "%~dp0install.ps1" %*
pause
