#!/bin/bash
#SBATCH --job-name=$name
#SBATCH --comment=$tag
#SBATCH --partition=$partition
#SBATCH --account=$account
#SBATCH --qos=$qos
#SBATCH --constraint=$constraint
#SBATCH --nodes=$nodes
#SBATCH --ntasks=$tasks
#SBATCH --cpus-per-task=$threads
#SBATCH --mem=$memory
#SBATCH --time=$walltime
#SBATCH --output=$log
#SBATCH --open-mode=append
#SBATCH $directives
$setup
$command
