#!/bin/bash
#PBS -N $name
#PBS -v DEFECTFLOW_TAG=$tag
#PBS -q $partition
#PBS -A $account
#PBS -l select=$nodes:ncpus=$cores_per_node:mpiprocs=$tasks_per_node:ompthreads=$threads$colon_memory
#PBS -l walltime=$walltime
#PBS -j oe
#PBS -o $log
#PBS $directives
cd "$$PBS_O_WORKDIR"
$setup
$command
