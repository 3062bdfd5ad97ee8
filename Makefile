# Each target only forwards to the script of its name in tools/dev, which needs nothing but sh and
# apt. Variables of the command line reach the scripts through the environment: make demo KEEP=1

TARGETS := build test demo bench chaos sanitize setup

.PHONY: $(TARGETS)
.DEFAULT_GOAL := build

$(TARGETS):
	@tools/dev/$@
