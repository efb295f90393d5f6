#!/bin/bash
$setup
$command
